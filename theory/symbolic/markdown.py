"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; vertical bars inside cells become LaTeX's so that they do not end one.

    Parameters
    ----------
    heads : sequence of str
    rows : iterable of sequences of str
        As long as `heads`.
    """
    lines = [heads, ["---"] * len(heads), *rows]
    cells = ([cell.replace("|", r"\vert ") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
