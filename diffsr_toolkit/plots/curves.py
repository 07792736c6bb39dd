"""What a sweep measured, as figures: curves over the timestep, and where each is best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffsr_toolkit.columns import CASE, SCALE
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.plots.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALETTE,
    log_ticks,
    shared_legend,
    tidy,
    timestep_axis,
)
from diffsr_toolkit.stats import (
    BASELINE_LABELS,
    SHORT,
    baseline_value,
    curve,
    optima,
    restorations,
    scale_label,
)
from theory.scale import Scale, as_scale

if TYPE_CHECKING:
    import pandas as pd

_MARKERS = "osD^vP*X"


def plot_curve(
    ax: Axes,
    frame: pd.DataFrame,
    image: str,
    scale: Scale,
    metric: str,
    *,
    legend: bool = True,
) -> None:
    """A metric measured over the injection timestep, beside the baselines and the prediction.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    frame : pandas.DataFrame
        What ``DiffSR.sweep`` returns; several seeds give points, their mean and its 95 % interval.
    image, scale, metric
        Which curve of it.
    legend : bool

    Raises
    ------
    ToolkitError
        When the sweep holds no such curve.
    """
    pair = as_scale(scale)
    rows = curve(frame, image, pair, metric)
    if rows.empty:
        raise ToolkitError(f"the sweep holds no {metric!r} of image {image!r} at scale {scale_label(*pair)}")
    point = optima(rows).iloc[0]
    several = rows["seed"].nunique() > 1
    sns.lineplot(
        x=rows["t"], y=rows["value"], ax=ax, color=BLUE, marker=None if several else "o", linewidth=1.8,
        markersize=6, errorbar=("ci", 95) if several else None, seed=0, label="Diff-SR, measured", legend=False,
    )  # fmt: skip
    if several:
        ax.plot(rows["t"], rows["value"], ".", color=BLUE, alpha=0.5, markersize=5, label="each seed")
    for (method, name), style in zip(BASELINE_LABELS.items(), (":", (0, (5, 2, 1, 2))), strict=True):
        value = baseline_value(frame, image, pair, metric, method)
        if np.isfinite(value):
            ax.axhline(value, color=GREY, linewidth=1.8, linestyle=style, label=name)
    ax.axvline(point["t_pred"], color=ORANGE, linewidth=1.8, linestyle="--", label="predicted optimum")
    edge = " (edge)" if point["at_edge"] else ""
    ax.axvline(point["t_best"], color=BLACK, linewidth=1.2, linestyle="-", label="measured optimum")
    ax.plot(
        point["t_best"],
        point["value_best"],
        "*",
        color=BLACK,
        markeredgecolor="white",
        markersize=14,
        zorder=5,
    )
    if (rows["t"] > 0).all():
        ax.set_xscale("log")
    timestep_axis(ax)
    better = "higher" if METRICS[metric].higher_is_better else "lower"
    unit = "" if METRICS[metric].unit == "1" else f" [{METRICS[metric].unit}]"
    ax.set_ylabel(f"{SHORT.get(metric, metric)}{unit}\n({better} is better)")
    ax.set_title(
        f"{image}, scale {scale_label(*pair)}\n"
        f"predicted t = {point['t_pred']:.3g}, best t = {point['t_best']:.3g}{edge}",
        fontsize="small",
    )
    tidy(ax)
    if legend:
        ax.legend(fontsize="small", framealpha=0.9)


def plot_curves(frame: pd.DataFrame, metric: str, images: Sequence[str] | None = None) -> Figure:
    """``plot_curve`` of every image (rows) and scale (columns) under one legend.

    Parameters
    ----------
    frame : pandas.DataFrame
        What ``DiffSR.sweep`` returns.
    metric : str
    images : sequence of str, optional
        Names to draw; all by default.

    Raises
    ------
    ToolkitError
        When the sweep holds no value of the metric.
    """
    found = restorations(frame[frame["metric"] == metric]).dropna(subset=["value"])
    names = list(dict.fromkeys(found["image"])) if images is None else list(images)
    scales = sorted(found[SCALE].drop_duplicates().itertuples(index=False, name=None))
    if not names or not scales:
        raise ToolkitError(f"the sweep holds no value of {metric!r}: sweep it first")
    present = set(found[CASE].drop_duplicates().itertuples(index=False, name=None))
    figure = Figure(figsize=(3.3 * len(scales), 2.9 * len(names) + 0.5), layout="constrained")
    axes = figure.subplots(len(names), len(scales), squeeze=False)
    for row, name in enumerate(names):
        for column, scale in enumerate(scales):
            ax = axes[row, column]
            if (name, *scale) not in present:
                ax.set_axis_off()
                continue
            plot_curve(ax, frame, name, scale, metric, legend=False)
            if column:
                ax.set_ylabel("")
            if row < len(names) - 1:
                ax.set_xlabel("")
    shared_legend(figure)
    return figure


def plot_optima(ax: Axes, table: pd.DataFrame) -> None:
    """Predicted against measured timestep; points on the diagonal are predicted exactly.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    table : pandas.DataFrame
        What ``stats.optima`` returns. Hollow points: the optimum is at the end of the timesteps measured.
    """
    points = table[(table["t_best"] > 0) & (table["t_pred"] > 0)]
    span = [*points["t_best"], *points["t_pred"]] or [1.0, 1000.0]
    low, high = min(span) / 1.6, max(span) * 1.6
    line = np.array([low, high])
    ax.plot(line, line, color="0.3", linewidth=1.2, label="predicted = measured")
    ax.fill_between(
        line, line / 2, line * 2, color="0.5", alpha=0.13, linewidth=0, label="within a factor of 2"
    )
    for index, (metric, group) in enumerate(points.groupby("metric", sort=False)):
        colour, marker = PALETTE[index % len(PALETTE)], _MARKERS[index % len(_MARKERS)]
        ax.plot([], [], marker, color=colour, label=SHORT.get(str(metric), str(metric)))
        for at_edge, part in group.groupby("at_edge"):
            face = "none" if at_edge else colour
            ax.plot(
                part["t_best"],
                part["t_pred"],
                marker,
                color=colour,
                markerfacecolor=face,
                markersize=7,
                alpha=0.85,
            )
    if points["at_edge"].any():
        ax.plot([], [], "o", color="0.3", markerfacecolor="none", label="best t at the edge of the grid")
    ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    timestep_axis(ax)
    log_ticks(ax.yaxis)
    ax.set(xlabel="measured best t", ylabel="predicted t")
    tidy(ax)
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
