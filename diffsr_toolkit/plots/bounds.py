"""Figures of the theory's bounds: over the timestep for one input, and divided by the truth where it is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from diffsr_toolkit.columns import SCALE
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    log_ticks,
    plain_numbers,
    tidy,
)
from diffsr_toolkit.stats import scale_label

if TYPE_CHECKING:
    import pandas as pd

    from theory.bounds import Mismatch
    from theory.schedules import NoiseSchedule

BOUND_TITLES = {
    "kl": "KL of the states",
    "tv": "total variation, by coupling",
    "tv_of_kl": "total variation, by way of KL",
    "w2": "W2 of the states",
    "mmse": "mmse(x | x_t)",
    "restoration_mmse": "mmse(x | z_t)",
    "information": "I(x; x_t)",
    "restoration_information": "I(x; z_t)",
    "sdedit": "edit to guide: SDEdit",
    "edit": "edit to guide: corrected",
}
"""Bounds, in the order of the panels."""

LAWS = {"gaussian": (BLUE, "o"), "mixture": (ORANGE, "s"), "patches": (GREEN, "D")}
Dashes = str | tuple[float, Sequence[float]]

_STYLES: tuple[Dashes, ...] = (
    "-",
    (0, (5, 2)),
    (0, (5, 1.5, 1, 1.5)),
    (0, (1, 1.2)),
    (0, (8, 2, 1, 1, 1, 1, 1, 2)),
)
_COLUMNS = 4


def plot_slack(table: pd.DataFrame) -> Figure:
    """Bound over truth against the timestep, one panel a bound, every law and scale a line.

    Parameters
    ----------
    table : pandas.DataFrame
        What ``python -m diffsr_toolkit.experiments.slack`` writes. Bars are one standard error of the
        truth; unresolved truths are left out. A factor of 1, the dotted line, is a tight bound.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ToolkitError
        If the table has no resolved ratio.
    """
    found = table.dropna(subset=["ratio"])
    names = [name for name in BOUND_TITLES if name in set(found["bound"])]
    if not names:
        raise ToolkitError(
            "the table holds no ratio: write it with python -m diffsr_toolkit.experiments.slack"
        )
    rows = -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(10, 2.6 * rows + 0.7), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, squeeze=False, sharex=True).ravel()
    laws = [law for law in LAWS if law in set(found["oracle"])]
    # Whole LR sizes make 8/3 of 2.7: the rank of a scale, not its value, is what the laws share.
    styles = {law: _scale_styles(found[found["oracle"] == law]) for law in laws}
    for ax, name in zip(axes, names, strict=False):
        for (law, *scale), line in found[found["bound"] == name].groupby(["oracle", *SCALE]):
            colour, marker = LAWS.get(str(law), (GREY, "^"))
            style = styles.get(str(law), {}).get(tuple(scale), "-")
            ax.errorbar(
                line["t"], line["ratio"], line["ratio_std_error"], color=colour, linestyle=style,
                marker=marker, markersize=3, linewidth=1.2, elinewidth=0.8,
            )  # fmt: skip
        ax.axhline(1, color=BLACK, linewidth=1, linestyle=":")
        ax.set(xscale="log", yscale="log")
        # A tight bound keeps a decade of height, so that noise of a per cent looks like one.
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, 0.5), max(high, 5))
        ax.set_title(BOUND_TITLES[name], fontsize="medium")
        _decades(ax)
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    for index, ax in enumerate(axes[: len(names)]):
        if index % _COLUMNS == 0:
            ax.set_ylabel("bound / truth")
        if index + _COLUMNS >= len(names):
            ax.tick_params(labelbottom=True)
            ax.set_xlabel("injection timestep t")
    handles = [
        Line2D([], [], color=LAWS[law][0], marker=LAWS[law][1], markersize=5, label=law) for law in laws
    ]
    for scale, style in max(styles.values(), key=len).items() if styles else ():
        label = f"scale {scale_label(*scale)}"
        look: dict[str, Any] = {"color": BLACK, "linestyle": style, "linewidth": 1.2, "label": label}
        handles.append(Line2D([], [], **look))
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=len(handles),
        frameon=False,
        fontsize="small",
        handlelength=3.2,
    )
    return figure


def plot_bounds(inputs: Mismatch, schedule: NoiseSchedule, points: int = 200) -> Figure:
    """All bounds of one input over the timestep.

    Parameters
    ----------
    inputs : theory.bounds.Mismatch
        Of a spectrum, an image pair or an operator.
    schedule : NoiseSchedule
    points : int
        Timesteps drawn.

    Returns
    -------
    matplotlib.figure.Figure
        Four panels: divergences, distances in root mean square per value, squared errors per value, information.
    """
    start = max(schedule.t_min, schedule.t_max / 1000)
    t = np.geomspace(start, schedule.t_max, points)
    snr = np.asarray(schedule.snr(t), dtype=np.float64)
    t, snr = t[snr > 0], snr[snr > 0]
    b, d = inputs.bounds(snr), inputs.dimension
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    (states, distances), (errors, told) = figure.subplots(2, 2)
    first, second, third, fourth = (BLUE, "-"), (VERMILION, "--"), (GREEN, "-."), (GREY, ":")
    residual = np.full(len(t), inputs.residual_energy)
    panels: tuple[tuple[Axes, str, str, dict[str, Any]], ...] = (
        (
            states,
            "How far the states are apart, at most",
            "KL [nats], total variation",
            {"KL": (b.kl, first), "total variation": (b.tv, second)},
        ),
        (
            distances,
            "How far the states are apart in W2",
            "root mean square per value",
            {
                "at most": (b.w2 / d**0.5, first),
                "at least": (b.w2_least / d**0.5, second),
                "noise level sigma": (snr**-0.5, fourth),
            },
        ),
        (
            errors,
            "Squared error",
            "per value",
            {
                "mmse(x | x_t), at most": (b.mmse / d, first),
                "mmse(x | z_t), at most": (b.restoration_mmse / d, second),
                "residual of lr_up": (residual / d, third),
                "edit to guide, at most": (b.edit / d, fourth),
            },
        ),
        (
            told,
            "Information on the original, at most",
            "bits per value",
            {
                "x_t tells": (b.information / d / np.log(2), first),
                "z_t tells": (b.restoration_information / d / np.log(2), second),
            },
        ),
    )
    for ax, title, unit, lines in panels:
        for label, (values, (colour, style)) in lines.items():
            shown = values > 0
            ax.plot(t[shown], values[shown], color=colour, linestyle=style, linewidth=1.6, label=label)
        ax.set(xscale="log", yscale="log", xlim=(start, schedule.t_max), ylabel=unit)
        ax.set_xlabel("injection timestep t")
        ax.set_title(title, fontsize="medium")
        _decades(ax)
        ax.legend(fontsize="small", frameon=False, loc="best")
    if b.kl.max() > 0:
        states.set_ylim(top=max(2.0, float(b.kl.max()) * 2))
    # The edit bound alone would squeeze the others flat.
    errors.set_ylim(top=max(10.0, float(b.mmse.max()) / d * 3))
    return figure


def _scale_styles(rows: pd.DataFrame) -> dict[tuple[float, float], Dashes]:
    pairs = rows[SCALE].drop_duplicates().itertuples(index=False, name=None)
    ordered = sorted(pairs, key=lambda pair: (pair[0] != pair[1], pair))
    return {pair: _STYLES[index % len(_STYLES)] for index, pair in enumerate(ordered)}


def _decades(ax: Axes) -> None:
    ax.xaxis.set_major_locator(LogLocator())
    plain_numbers(ax.xaxis)
    ax.xaxis.set_minor_locator(NullLocator())
    low, high = ax.get_ylim()
    if high < 50 * low:
        log_ticks(ax.yaxis)
    ax.yaxis.set_minor_locator(NullLocator())
    tidy(ax)
