"""The lecture as LaTeX, Markdown and plain text."""

from __future__ import annotations

from collections.abc import Sequence

from theory import symbolic
from theory.lecture.chapter import Chapter, Result
from theory.symbolic import Identity

_TITLE = "The perceptual recoverable field, derived"
_NOTE = (
    "This is the project's own derivation; the idea of the field is that of Diff-SR (Li et al. 2023, arXiv "
    "2306.00714), "
    "none of the formulas are that paper's text. Every step was proved by sympy."
)
_PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage{amsmath,amssymb}
\usepackage[margin=2cm]{geometry}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
"""
_LONG = 110
"""Characters of LaTeX beyond which an equation is broken at its equals sign."""


def render_latex(chapters: Sequence[Chapter]) -> str:
    """A complete document; see `theory.lecture.to_latex`."""
    parts = [_PREAMBLE, rf"\title{{{_TITLE}}}", r"\date{}", r"\begin{document}", r"\maketitle", _NOTE]
    for chapter in chapters:
        parts += ["", rf"\section{{{chapter.title}}}", _latex_text(_prose(chapter)), ""]
        for kind, items in (("Results", chapter.results), ("Steps", chapter.steps)):
            if items:
                parts.append(rf"\subsection*{{{kind}}}")
            for item in items.values():
                parts += [
                    _latex_text(_sentence(item)),
                    r"\begin{equation*}",
                    _display(item),
                    r"\end{equation*}",
                ]
    return "\n".join([*parts, r"\end{document}", ""])


def render_markdown(chapters: Sequence[Chapter]) -> str:
    """A page; see `theory.lecture.to_markdown`."""
    body = "\n".join(chapter_markdown(chapter, i) for i, chapter in enumerate(chapters, start=1))
    return f"# {_TITLE}\n\n{_NOTE}\n\n{body}"


def chapter_markdown(chapter: Chapter, number: int) -> str:
    """One chapter in Markdown with LaTeX formulas."""
    parts = [f"## {number}. {chapter.title}", "", _prose(chapter), ""]
    for kind, items in (("Results", chapter.results), ("Steps", chapter.steps)):
        if items:
            parts += [f"### {kind}", ""]
        for item in items.values():
            parts += [_sentence(item), "", "$$", _display(item), "$$", ""]
    return "\n".join(parts)


def render_text(chapters: Sequence[Chapter]) -> str:
    """Plain text; see `theory.lecture.to_text`."""
    parts = [_TITLE, "=" * len(_TITLE), "", _NOTE, ""]
    for number, chapter in enumerate(chapters, start=1):
        title = f"{number}. {chapter.title}"
        parts += [title, "-" * len(title), _prose(chapter), ""]
        items: list[Identity | Result] = [*chapter.results.values(), *chapter.steps.values()]
        for item in items:
            parts += [_sentence(item), f"    {item.text()}", ""]
    return "\n".join(parts)


def _prose(chapter: Chapter) -> str:
    return chapter.text.strip()


def _sentence(item: Identity | Result) -> str:
    return f"{item.statement}:"


def _latex_text(text: str) -> str:
    """Code between backquotes in typewriter; formulas need no change."""
    pieces = text.split("`")
    for i in range(1, len(pieces), 2):
        pieces[i] = r"\texttt{" + pieces[i].replace("_", r"\_") + "}"
    return "".join(pieces)


def _display(item: Identity | Result) -> str:
    """An equation, on two lines where it is long."""
    one_line = item.latex()
    if len(one_line) <= _LONG:
        return one_line
    if isinstance(item, Result):
        left, right = item.name, symbolic.latex(item.value)
    else:
        left, right = symbolic.latex(item.left), symbolic.latex(item.right)
    return rf"\begin{{aligned}} & {left} \\ &\quad = {right} \end{{aligned}}"
