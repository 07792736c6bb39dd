"""The table of contents: all chapters in their order, all steps, and the whole in every format."""

from __future__ import annotations

from functools import cache

from theory.lecture import any_data, axes, field, restoration, signal, timesteps
from theory.lecture.chapter import Chapter
from theory.lecture.render import render_latex, render_markdown, render_text
from theory.symbolic import Identity


@cache
def chapters() -> tuple[Chapter, ...]:
    """The chapters, in order of reading."""
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
