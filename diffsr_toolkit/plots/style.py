"""What figures share: colours, axes and their ticks, one legend for several panels."""

from __future__ import annotations

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

PALETTE = sns.color_palette("colorblind")
"""Distinguishable with every common colour blindness; line styles differ as well."""

BLUE, ORANGE, GREEN, VERMILION, GREY = (PALETTE[i] for i in (0, 1, 2, 3, 7))
BLACK = (0.15, 0.15, 0.15)


def tidy(ax: Axes) -> None:
    """Light grid behind the data, no box."""
    ax.grid(True, color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def plain_numbers(axis: Axis) -> None:
    """Ticks as numbers, ``0.01`` and ``100`` instead of powers of ten."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def log_ticks(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis, as many as its range has room for."""
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 50 * low else (1, 3) if high < 500 * low else (1,)
    axis.set_major_locator(LogLocator(subs=subs))
    plain_numbers(axis)
    axis.set_minor_locator(NullLocator())


def timestep_axis(ax: Axes) -> None:
    """Label and ticks of injection timesteps along x."""
    if ax.get_xscale() == "log":
        log_ticks(ax.xaxis)
    ax.set_xlabel("injection timestep t")


def shared_legend(figure: Figure) -> None:
    """One legend above all axes of a figure, each label once."""
    legend = {
        label: handle
        for ax in figure.axes
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        legend.values(),
        legend.keys(),
        loc="outside upper center",
        ncols=len(legend),
        frameon=False,
        fontsize="small",
    )
