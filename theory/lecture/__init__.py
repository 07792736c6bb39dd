"""The theory as a lecture: chapters of results and of steps that sympy proves.

``python -m theory.lecture --format markdown`` prints it. Everything is this project's own derivation from standard
facts, none of it the Diff-SR paper's text.

Examples
--------
>>> from theory import lecture
>>> lecture.chapters()[0].title
'The state and its signal-to-noise ratio'
>>> lecture.identities()["duality"].holds()
True
"""

from __future__ import annotations

from functools import cache

from theory.lecture.chapter import Chapter, Result
from theory.lecture.render import chapter_markdown, render_latex, render_markdown, render_text
from theory.symbolic.identities import Identity

__all__ = [
    "Chapter",
    "Result",
    "chapter_markdown",
    "chapters",
    "identities",
    "to_latex",
    "to_markdown",
    "to_text",
]


@cache
def chapters() -> tuple[Chapter, ...]:
    """The chapters, in order of reading."""
    from theory.lecture import any_data, axes, field, restoration, signal, timesteps

    return (
        signal.state(),
        signal.schedules(),
        restoration.gaussian_denoiser(),
        restoration.survival(),
        restoration.posterior(),
        field.losses(),
        field.weight(),
        field.field(),
        timesteps.timesteps(),
        timesteps.sensitivities(),
        any_data.bounds(),
        axes.asymmetric(),
    )


def identities() -> dict[str, Identity]:
    """Every step of every chapter, by its name."""
    return {name: step for chapter in chapters() for name, step in chapter.steps.items()}


def to_latex() -> str:
    """A complete LaTeX document of every result and every step."""
    return render_latex(chapters())


def to_markdown() -> str:
    """The same in Markdown with LaTeX formulas, for notebooks."""
    return render_markdown(chapters())


def to_text() -> str:
    """The same in sympy's plain notation."""
    return render_text(chapters())
