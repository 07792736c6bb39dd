"""Figures of the study: predicted against measured, and what every way of choosing costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.experiments.study.panels import (
    Colour,
    draw_cases,
    regret_axis,
    scale_colours,
    scale_handles,
)
from diffsr_toolkit.experiments.study.predictors import (
    FIXED,
    HUNDREDS,
    PER_IMAGE,
    PER_SCALE,
    RIVALS,
    SPECTRA,
    YARDSTICKS,
)
from diffsr_toolkit.experiments.study.readable import arm_title, method_title
from diffsr_toolkit.experiments.study.summary import rank_correlation
from diffsr_toolkit.experiments.study.tables import by_scale, checked, select
from diffsr_toolkit.plots import BLACK, BLUE, GREEN, GREY, VERMILION, shared_legend, tidy
from diffsr_toolkit.stats import SHORT, scale_label
from theory.scale import ScalePair

if TYPE_CHECKING:
    import pandas as pd

_LEVEL_LOOKS: dict[str, tuple[Colour, str]] = {
    "closed_form": (BLUE, "o"),
    "spectral": (GREEN, "s"),
    "model_aware": (VERMILION, "D"),
}
_FILLS = dict(zip(SPECTRA, ("full", "bottom", "none"), strict=True))
_MARKS: dict[str, tuple[Colour, str, str]] = {
    f"{level}, {own}": (*look, fill) for level, look in _LEVEL_LOOKS.items() for own, fill in _FILLS.items()
} | {
    HUNDREDS: (GREY, "^", "full"),
    FIXED: (BLACK, "v", "full"),
    PER_SCALE: (BLACK, "<", "none"),
    PER_IMAGE: (BLACK, ">", "none"),
}
"""Colour, marker, and how it is filled, of every way of choosing."""

_SOURCES = {
    "per image": "from each image",
    "pooled": "image and reference pooled",
    "per scale": "from the scale alone",
}
_ARM_COLUMNS = 3


def plot_predicted_measured(
    cases: pd.DataFrame, arm: str = "single", metric: str = "feature_distance"
) -> Figure:
    """Predicted against measured best timestep of every case, one panel a way of choosing.

    Parameters
    ----------
    cases : pandas.DataFrame
        The study's table of cases.
    arm, metric : str

    Returns
    -------
    matplotlib.figure.Figure
        Axes are linear from 0 to 1 and logarithmic above. Colours are scales, diamonds unequal ones; hollow points
        are cases whose best timestep is the first or last measured.

    Raises
    ------
    ToolkitError
        When the table holds no such case.
    """
    rows = select(checked(cases, "cases"), arm=arm, metric=metric).dropna(subset=["t_pred"])
    methods = [name for name in dict.fromkeys(rows["method"]) if name not in YARDSTICKS]
    if not methods:
        raise ToolkitError(f"no way of choosing has an answer for metric {metric!r} under arm {arm!r}")
    places = _places(methods)
    lines, columns = (1 + max(place[axis] for place in places.values()) for axis in (0, 1))
    figure = Figure(figsize=(2.75 * columns, 2.65 * lines + 0.8), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    colours = scale_colours(rows)
    limit = 1.4 * max(float(rows["t_pred"].max()), float(rows["t_best"].max()), 1.0)
    for ax in axes.flat:
        ax.set_axis_off()
    for method, place in places.items():
        group, ax = rows[rows["method"] == method], axes[place]
        ax.set_axis_on()
        draw_cases(ax, group, colours)
        # As in the summary: photographs count alike.
        distance = group.groupby("image")["abs_dt"].mean().mean()
        ranks = rank_correlation(group)
        told = f", rank corr. {ranks:.2f}" if math.isfinite(ranks) else ""
        ax.set_title(f"{method_title(method)}\nmean |dt| = {distance:.1f}{told}", fontsize="small")
        ax.set(xlim=(-0.4, limit), ylim=(-0.4, limit))
        if place[1] == 0:
            ax.set_ylabel("predicted t")
        if (place[0] + 1, place[1]) not in places.values():
            ax.set_xlabel("measured best t")
            ax.tick_params(labelbottom=True)
    handles = scale_handles(colours)
    if rows["at_edge"].any():
        look: dict[str, Any] = {"color": BLACK, "linestyle": "", "marker": "o", "markerfacecolor": "none"}
        handles.append(Line2D([], [], **look, markersize=5, label="best t at the edge of the grid"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize="small",
                  handletextpad=0.2, columnspacing=1.1)  # fmt: skip
    figure.suptitle(f"{SHORT.get(metric, metric)}, {arm_title(arm)}", fontsize="medium")
    return figure


def _places(methods: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Row and column of each panel: a row a spectrum, a column a level, what is neither low in the last."""
    known = [name for name in methods if name in _MARKS and name not in RIVALS]
    levels = [level for level in _LEVEL_LOOKS if any(name.startswith(f"{level},") for name in known)]
    sources = [own for own in _FILLS if any(name.endswith(f", {own}") for name in known)]
    places = {}
    for name in known:
        level, own = name.split(", ")
        places[name] = (sources.index(own), levels.index(level))
    others = [name for name in methods if name not in known]
    first = max(len(sources) - len(others), 0)
    return places | {name: (first + row, len(levels)) for row, name in enumerate(others)}


def plot_regret(
    summary: pd.DataFrame, metric: str = "feature_distance", arms: Sequence[str] | None = None
) -> Figure:
    """Mean regret of every way of choosing with its 95 % interval over photographs, one panel an arm.

    Parameters
    ----------
    summary : pandas.DataFrame
        The study's summary table.
    metric : str
    arms : sequence of str, optional
        All that were measured by default.

    Returns
    -------
    matplotlib.figure.Figure
        What is chosen with hindsight stands on grey, below the theory's levels.

    Raises
    ------
    ToolkitError
        When the table holds no such row.
    """
    rows = select(checked(summary, "summary"), metric=metric).dropna(subset=["regret_percent"])
    arms = list(dict.fromkeys(rows["arm"])) if arms is None else list(arms)
    parts = [select(rows, arm=arm) for arm in arms]
    if not parts:
        raise ToolkitError("0 arms were given: name at least one")
    present = {method for part in parts for method in part["method"]}
    methods = [method for method in _MARKS if method in present]
    methods += [name for name in dict.fromkeys(rows["method"]) if name in present and name not in _MARKS]
    # Hindsight last, whatever else a table may hold.
    hindsight = (*RIVALS, *YARDSTICKS)
    methods.sort(key=hindsight.__contains__)
    columns = min(_ARM_COLUMNS, len(arms))
    lines = -(-len(arms) // columns)
    figure = Figure(
        figsize=(3.4 * columns + 2.4, (0.27 * len(methods) + 0.75) * lines + 0.75), layout="constrained"
    )
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    means = [row for part in parts for row in part["regret_percent"]]
    limit = max(float(part["regret_percent_high"].max()) for part in parts)
    theory = sum(method not in hindsight for method in methods)
    for ax, arm, part in zip(axes.flat, arms, parts, strict=False):
        for _, row in part.iterrows():
            colour, marker, fill = _MARKS.get(row["method"], (GREY, "o", "full"))
            mean, place = row["regret_percent"], methods.index(row["method"])
            face, fill = ("white", "full") if fill == "none" else (colour, fill)
            ax.errorbar(
                mean, place, xerr=[[mean - row["regret_percent_low"]], [row["regret_percent_high"] - mean]],
                fmt=marker, color=colour, markerfacecolor=face, markerfacecoloralt="white", fillstyle=fill,
                markersize=6, elinewidth=1.4, capsize=2,
            )  # fmt: skip
        if theory < len(methods):
            ax.axhspan(theory - 0.5, len(methods) - 0.5, color="0.93", linewidth=0, zorder=0)
        count = int(part["n_images"].max())
        ax.set_title(f"{arm_title(arm)}\n{count} photographs", fontsize="small")
        regret_axis(ax, "x", means, limit)
        tidy(ax)
    for ax in axes.flat[len(arms) :]:
        ax.set_axis_off()
    for index, ax in enumerate(axes.flat[: len(arms)]):
        if index + columns >= len(arms):
            ax.set_xlabel("mean regret [%]")
            ax.tick_params(labelbottom=True)
    first = axes[0, 0]
    first.set_yticks(range(len(methods)), [method_title(method) for method in methods])
    first.set_ylim(len(methods) - 0.5, -0.5)
    figure.suptitle(f"Regret by {SHORT.get(metric, metric)}", fontsize="medium")
    return figure


def plot_regret_by_scale(
    per_scale: pd.DataFrame, arm: str = "single", metric: str = "feature_distance"
) -> Figure:
    """Mean regret of every way of choosing over the scale, with 95 % intervals over photographs.

    Parameters
    ----------
    per_scale : pandas.DataFrame
        The study's table by scale.
    arm, metric : str

    Returns
    -------
    matplotlib.figure.Figure
        One panel a spectrum that is predicted from; the rivals in all. Scales are equally spaced; unequal ones
        stand apart on the right.

    Raises
    ------
    ToolkitError
        When the table holds no such row.
    """
    rows = select(checked(per_scale, "per_scale"), arm=arm, metric=metric)
    pairs = [pair for pair, _ in by_scale(rows)]
    equal = sum(sy == sx for sy, sx in pairs)
    known = [name for name in _MARKS if name in set(rows["method"])]
    sources = [own for own in _FILLS if any(name.endswith(f", {own}") for name in known)] or [""]
    figure = Figure(figsize=(4 * len(sources) + 1, 4.1), layout="constrained")
    axes = figure.subplots(1, len(sources), squeeze=False, sharey=True)[0]
    for ax, own in zip(axes, sources, strict=True):
        title = _SOURCES.get(own, "")
        methods = [name for name in known if name.endswith(f", {own}") or name in RIVALS]
        for index, method in enumerate(methods):
            _over_scales(
                ax, rows[rows["method"] == method], pairs, 0.13 * (index - (len(methods) - 1) / 2), method
            )
        if 0 < equal < len(pairs):
            ax.axvline(equal - 0.5, color="0.75", linewidth=1)
        ax.set_xticks(range(len(pairs)), [scale_label(*pair) for pair in pairs])
        ax.set_xlim(-0.5, len(pairs) - 0.5)
        ax.set(xlabel="scale", title=title)
        ax.title.set_fontsize("medium")
        regret_axis(ax, "y", list(rows["regret_percent"]), float(rows["regret_percent_high"].max()))
        tidy(ax)
    axes[0].set_ylabel(f"mean regret by {SHORT.get(metric, metric)} [%]")
    shared_legend(figure)
    return figure


def _over_scales(ax: Axes, rows: pd.DataFrame, pairs: list[ScalePair], shift: float, method: str) -> None:
    colour, marker, _ = _MARKS[method]
    style = "--" if method in RIVALS else "-"
    label = method if method in RIVALS else method_title(method).split(",")[0]
    for equal in (True, False):
        part = [(pairs.index(pair), group.iloc[0]) for pair, group in by_scale(rows)]
        part = [(place, row) for place, row in part if (row["scale_y"] == row["scale_x"]) == equal]
        if not part:
            continue
        mean = np.array([row["regret_percent"] for _, row in part])
        low, high = (np.array([row[f"regret_percent_{end}"] for _, row in part]) for end in ("low", "high"))
        ax.errorbar(
            [place + shift for place, _ in part], mean, [mean - low, high - mean], color=colour, marker=marker,
            linestyle=style if equal else "", markersize=5,
            linewidth=1.3, elinewidth=0.9, label=label if equal else None,
        )  # fmt: skip
