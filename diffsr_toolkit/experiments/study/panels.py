"""What the study's figures share: panels of cases, axes, and the looks of scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, SymmetricalLogLocator

from diffsr_toolkit.experiments.study.tables import by_scale
from diffsr_toolkit.plots import plain_numbers, tidy
from diffsr_toolkit.stats import scale_label
from theory.scale import ScalePair

if TYPE_CHECKING:
    import pandas as pd

Colour = tuple[float, float, float]


def draw_cases(
    ax: Axes, rows: pd.DataFrame, colours: dict[ScalePair, Colour], image: str | None = None
) -> None:
    """Predicted against measured timesteps in one panel, with the line of equality.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    rows : pandas.DataFrame
        Cases of one way of choosing.
    colours : dict of ScalePair to colour
        What `scale_colours` gave.
    image : str, optional
        A photograph to bring forward; the others fade.
    """
    for axis, set_scale in ((ax.xaxis, ax.set_xscale), (ax.yaxis, ax.set_yscale)):
        set_scale("symlog", linthresh=1.0, linscale=0.5)
        axis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1.0))
        axis.set_minor_locator(NullLocator())
        plain_numbers(axis)
    ax.plot([0, 1000], [0, 1000], color="0.35", linewidth=1, zorder=1)
    for pair, group in by_scale(rows):
        for at_edge, part in group.groupby("at_edge"):
            for own, points in part.groupby(part["image"] == image) if image else ((True, part),):
                ax.plot(
                    points["t_best"], points["t_pred"], _marker(pair), color=colours[pair],
                    markerfacecolor="none" if at_edge else colours[pair], markersize=7 if image and own else 5,
                    alpha=0.85 if own else 0.2, zorder=3 if own else 2,
                )  # fmt: skip
    tidy(ax)


def regret_axis(ax: Axes, which: str, means: Sequence[float], limit: float) -> None:
    """Linear where regrets are alike, else logarithmic down to the least of them and linear from there to 0."""
    positive = [mean for mean in means if mean > 0]
    axis = ax.xaxis if which == "x" else ax.yaxis
    if positive and max(positive) > 10 * min(positive):
        threshold = max(min(positive) / 2, 1e-3)
        set_scale = ax.set_xscale if which == "x" else ax.set_yscale
        set_scale("symlog", linthresh=threshold, linscale=0.4)
        # Powers of ten below the threshold would crowd around 0.
        powers = np.arange(np.ceil(np.log10(threshold)), np.log10(1.2 * limit))
        axis.set_major_locator(FixedLocator([0.0, *10.0**powers]))
        axis.set_minor_locator(NullLocator())
    plain_numbers(axis)
    set_limits = ax.set_xlim if which == "x" else ax.set_ylim
    set_limits(0, 1.2 * limit or 1.0)


def scale_colours(rows: pd.DataFrame) -> dict[ScalePair, Colour]:
    """A colour a scale, light for large ones by the geometric mean of the factors."""
    pairs = [pair for pair, _ in by_scale(rows)]
    rising = sorted(pairs, key=lambda pair: pair.y * pair.x)
    palette = dict(zip(rising, sns.color_palette("viridis", len(pairs)), strict=True))
    return {pair: palette[pair] for pair in pairs}


def scale_handles(colours: dict[ScalePair, Colour]) -> list[Line2D]:
    """Legend entries of the scales."""
    look: dict[str, Any] = {"linestyle": "", "markersize": 5.5}
    return [
        Line2D([], [], color=colour, marker=_marker(pair), label=f"scale {scale_label(*pair)}", **look)
        for pair, colour in colours.items()
    ]


def _marker(pair: ScalePair) -> str:
    return "o" if pair.y == pair.x else "D"
