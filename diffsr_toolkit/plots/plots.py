"""Figures of fields, sweeps and restored images; every function draws where it is told and changes nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from diffsr_toolkit.errors import ImageError, ToolkitError
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.stats import BASELINES, CASE, SCALE, SHORT, baseline_value, curve, optima, scale_label

if TYPE_CHECKING:
    import pandas as pd

    from theory.prf import PRF, Prediction
    from theory.schedules import NoiseSchedule

# Distinguishable with every common colour blindness; line styles differ as well.
_COLOURS = sns.color_palette("colorblind")
BLUE, ORANGE, GREEN, VERMILION, GREY = (_COLOURS[i] for i in (0, 1, 2, 3, 7))
BLACK = (0.15, 0.15, 0.15)
_MARKERS = "osD^vP*X"


def plot_field(
    ax: Axes, schedule: NoiseSchedule, prf: PRF | None, prediction: Prediction, *, legend: bool = True
) -> None:
    """SNR over the schedule, with the recoverable field shaded and the predicted optimum marked.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its right-hand twin gets the two losses, in [0, 1].
    schedule : NoiseSchedule
    prf : PRF or None
        Whose realism deficit and signature loss are drawn; None leaves them out.
    prediction : Prediction
    legend : bool
    """
    # From the first timestep with a place on a logarithmic axis.
    start = max(schedule.t_min, min(1.0, schedule.t_max / 1000))
    t = np.geomspace(start, schedule.t_max, 400)
    snr = np.asarray(schedule.snr(t), dtype=np.float64)
    visible = snr > 0
    ax.plot(t[visible], snr[visible], color="0.15", linewidth=1.8, label="SNR of the schedule")
    ax.set(xscale="log", yscale="log", xlim=(start, schedule.t_max))
    title = f"scale {scale_label(*prediction.scale)}: predicted t = {prediction.t_opt:.3g}, "
    if prediction.is_open:
        low, high = max(prediction.t_low, start), max(prediction.t_high, start)
        ax.axvspan(low, high, color=BLUE, alpha=0.18, linewidth=0, label="recoverable field")
        title += f"field {prediction.t_low:.3g} to {prediction.t_high:.3g}"
    else:
        title += f"field empty (closes at scale {prediction.critical_scale:.3g})"
    where = max(prediction.t_opt, start)
    ax.axvline(where, color=ORANGE, linewidth=1.8, linestyle="--", label="predicted optimum")
    ax.plot([where], [prediction.snr_opt], "o", color=ORANGE, markeredgecolor="white", markersize=8, zorder=5)
    _timestep_axis(ax)
    ax.set_ylabel("signal-to-noise ratio")
    ax.set_title(title, fontsize="small")
    handles, labels = ax.get_legend_handles_labels()
    if prf is not None:
        twin = ax.twinx()
        for values, colour, style, name in (
            (prf.realism_deficit(t, prediction.scale), VERMILION, ":", "realism deficit"),
            (prf.signature_loss(t, prediction.scale), GREEN, "-.", "signature loss"),
        ):
            (line,) = twin.plot(t, values, color=colour, linestyle=style, linewidth=1.6, label=name)
            handles.append(line)
            labels.append(name)
        twin.set(ylim=(0, 1.02), ylabel="loss, 0 to 1")
        twin.spines["top"].set_visible(False)
    _tidy(ax)
    if legend:
        ax.legend(handles, labels, fontsize="small", loc="lower left", framealpha=0.9)


def plot_curve(
    ax: Axes,
    frame: pd.DataFrame,
    image: str,
    scale: float | tuple[float, float],
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
    factors = (float(scale), float(scale)) if isinstance(scale, int | float) else scale
    rows = curve(frame, image, factors, metric)
    if rows.empty:
        raise ToolkitError(
            f"the sweep holds no {metric!r} of image {image!r} at scale {scale_label(*factors)}"
        )
    point = optima(rows).iloc[0]
    several = rows["seed"].nunique() > 1
    sns.lineplot(
        x=rows["t"], y=rows["value"], ax=ax, color=BLUE, marker=None if several else "o", linewidth=1.8,
        markersize=6, errorbar=("ci", 95) if several else None, seed=0, label="Diff-SR, measured", legend=False,
    )  # fmt: skip
    if several:
        ax.plot(rows["t"], rows["value"], ".", color=BLUE, alpha=0.5, markersize=5, label="each seed")
    for (method, name), style in zip(BASELINES.items(), (":", (0, (5, 2, 1, 2))), strict=True):
        value = baseline_value(frame, image, factors, metric, method)
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
    _timestep_axis(ax)
    better = "higher" if METRICS[metric].higher_is_better else "lower"
    unit = "" if METRICS[metric].unit == "1" else f" [{METRICS[metric].unit}]"
    ax.set_ylabel(f"{SHORT.get(metric, metric)}{unit}\n({better} is better)")
    ax.set_title(
        f"{image}, scale {scale_label(*factors)}\n"
        f"predicted t = {point['t_pred']:.3g}, best t = {point['t_best']:.3g}{edge}",
        fontsize="small",
    )
    _tidy(ax)
    if legend:
        ax.legend(fontsize="small", framealpha=0.9)


def plot_optima(ax: Axes, table: pd.DataFrame) -> None:
    """Predicted against measured timestep; points on the diagonal are predicted exactly.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    table : pandas.DataFrame
        What ``optimum.optima`` returns. Hollow points: the optimum is at the end of the timesteps measured.
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
        colour, marker = _COLOURS[index % len(_COLOURS)], _MARKERS[index % len(_MARKERS)]
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
    _timestep_axis(ax)
    _log_ticks(ax.yaxis)
    ax.set(xlabel="measured best t", ylabel="predicted t")
    _tidy(ax)
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)


def plot_comparison(
    images: Mapping[str, Any],
    captions: Mapping[str, str] | None = None,
    *,
    crop: tuple[int, int, int, int] | None = None,
    title: str | None = None,
) -> Figure:
    """Images side by side, whole and with one region enlarged.

    Parameters
    ----------
    images : mapping of labels to images
        PIL images, ``HxW``/``HxWxC`` arrays or ``(C, H, W)`` tensors in [-1, 1]. The last
        sets the size; smaller ones (the low-resolution input) are stretched with nearest neighbours.
    captions : mapping of labels to str, optional
        A line below a label, such as its metrics.
    crop : (top, left, height, width), optional
        Pixels of the last image; by default its square with the most detail.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImageError
        When there is no image or the crop lies outside.
    """
    if not images:
        raise ImageError("0 images were given: a comparison needs at least one")
    arrays = {label: to_array(image) for label, image in images.items()}
    reference = list(arrays.values())[-1]
    height, width = reference.shape[:2]
    top, left, rows, columns = _detail(reference) if crop is None else crop
    if min(top, left) < 0 or min(rows, columns) < 1 or top + rows > height or left + columns > width:
        raise ImageError(f"crop {crop} lies outside the image of {height} x {width} pixels: choose it inside")
    side = 2.5
    ratios = [height / width, rows / columns]
    figure = Figure(figsize=(side * len(arrays), side * sum(ratios) + 0.75), layout="constrained")
    axes = figure.subplots(2, len(arrays), squeeze=False, height_ratios=ratios)
    for column, (label, array) in enumerate(arrays.items()):
        for row in (0, 1):
            ax = axes[row, column]
            ax.imshow(
                array, extent=(0, width, height, 0), interpolation="nearest", cmap="gray", vmin=0, vmax=1
            )
            ax.set(xticks=[], yticks=[])
        axes[1, column].set(xlim=(left, left + columns), ylim=(top + rows, top))
        axes[0, column].add_patch(
            Rectangle((left, top), columns, rows, fill=False, edgecolor="white", linewidth=1.8)
        )
        axes[0, column].add_patch(
            Rectangle((left, top), columns, rows, fill=False, edgecolor=VERMILION, linewidth=1.0)
        )
        below = (captions or {}).get(label, "")
        axes[0, column].set_title(f"{label}\n{below}" if below else label, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=11, fontweight="bold")
    return figure


def plot_curves(frame: pd.DataFrame, metric: str, images: Sequence[str] | None = None) -> Figure:
    """``plot_curve`` of every image (rows) and scale (columns) under one legend.

    Parameters
    ----------
    images : sequence of str, optional
        Names to draw; all by default.
    """
    found = frame[(frame["method"] == "diffsr") & (frame["metric"] == metric)].dropna(subset=["value"])
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


def to_array(image: Any) -> NDArray[np.float64]:
    """``(H, W)`` or ``(H, W, 3)`` in [0, 1] of an image of any kind; a tensor, in [-1, 1], is clipped first."""
    from diffsr_toolkit.images import to_tensor

    tensor, _ = to_tensor(image.clamp(-1, 1) if hasattr(image, "clamp") else image)
    array = (tensor.double().clamp(-1, 1).numpy() + 1) / 2
    return array[0] if array.shape[0] == 1 else array.transpose(1, 2, 0)


def _detail(image: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """The square, a third of the shorter side, that holds the most gradient energy."""
    grey = image if image.ndim == 2 else image.mean(axis=2)
    side = max(1, round(min(grey.shape) / 3))
    if min(grey.shape) < 2:
        return 0, 0, side, side
    energy = np.hypot(*np.gradient(grey))
    total = np.pad(energy.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    top, left = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return int(top), int(left), side, side


def _timestep_axis(ax: Axes) -> None:
    if ax.get_xscale() == "log":
        _log_ticks(ax.xaxis)
    ax.set_xlabel("injection timestep t")


def _log_ticks(axis: Any) -> None:
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 50 * low else (1, 3) if high < 500 * low else (1,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _tidy(ax: Axes) -> None:
    ax.grid(True, color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
