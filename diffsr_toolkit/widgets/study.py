"""The study to leaf through: choose a setting, a metric, a way of choosing and a photograph."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as ipw
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.experiments.study import (
    OWN,
    arm_title,
    by_scale,
    checked,
    draw_cases,
    load,
    method_title,
    scale_colours,
    scale_handles,
    select,
)
from diffsr_toolkit.plots import BLACK, BLUE, ORANGE, plain_numbers, tidy
from diffsr_toolkit.stats import SHORT, scale_label
from diffsr_toolkit.widgets.errors import guarded
from diffsr_toolkit.widgets.figures import STYLE, png

EVERY = "all photographs"

_SIZE = (11.0, 4.4)
_LABEL = {"description_width": "92px"}


class StudyExplorer:
    """Predicted beside measured for any part of the study.

    Parameters
    ----------
    cases : pandas.DataFrame, optional
        The study's table of cases; the shipped one by default.

    Attributes
    ----------
    widget : ipywidgets.VBox
        What is displayed.
    arm, metric, method, image : ipywidgets.Dropdown
        What is shown; metrics, ways of choosing and photographs are those that the setting has.
    figure : ipywidgets.Image
    numbers, status : ipywidgets.HTML
        One line of numbers; what went wrong, if anything did.
    errors : list of Exception
        Everything that went wrong in a callback.

    Raises
    ------
    ToolkitError
        When the table is missing or is no table of cases.
    """

    def __init__(self, cases: pd.DataFrame | None = None) -> None:
        self.errors: list[Exception] = []
        table = load("cases") if cases is None else checked(cases, "cases")
        self._cases = table.dropna(subset=["t_pred"])
        self._canvas = Figure(figsize=_SIZE)
        self._busy = False
        # Margins come on top of a width: a full one would overflow.
        wide = ipw.Layout(width="auto")
        arms = [(arm_title(arm), arm) for arm in dict.fromkeys(self._cases["arm"])]
        if not arms:
            raise ToolkitError("the table of cases holds no prediction: write the study's tables again")
        cell = ipw.Layout(width="auto")
        self.arm, self.metric, self.method, self.image = (
            ipw.Dropdown(options=options, description=name, style=_LABEL, layout=cell)
            for name, options in (("Setting", arms), ("Metric", []), ("Chosen by", []), ("Photograph", []))
        )
        self.figure = ipw.Image(format="png", layout=wide)
        self.numbers, self.status = ipw.HTML(layout=wide), ipw.HTML(layout=wide)
        self.widget = ipw.VBox(
            [
                ipw.HTML(STYLE, layout=ipw.Layout(display="none")),
                ipw.GridBox(
                    [self.arm, self.metric, self.method, self.image],
                    layout=ipw.Layout(width="auto", grid_template_columns="repeat(2, minmax(0, 1fr))"),
                ),
                self.figure,
                self.numbers,
                self.status,
            ],
            layout=ipw.Layout(width="100%", max_width="1100px"),
        )
        for control in (self.arm, self.metric, self.method, self.image):
            control.observe(self._on_change, "value")
        self._on_change()

    def _on_change(self, _: Any = None) -> None:
        # New options change values, which would come back here half way.
        if not self._busy:
            guarded(self._show, self.errors, self.status)

    def _show(self) -> None:
        self._busy = True
        try:
            rows = select(self._cases, arm=str(self.arm.value))
            metrics = list(dict.fromkeys(rows["metric"]))
            wanted = "feature_distance" if "feature_distance" in metrics else metrics[0]
            _offer(self.metric, [(SHORT.get(name, name), name) for name in metrics], wanted)
            rows = select(rows, metric=str(self.metric.value))
            methods = list(dict.fromkeys(rows["method"]))
            wanted = next((name for name in OWN if name in methods), methods[0])
            _offer(self.method, [(method_title(name), name) for name in methods], wanted)
            images = [EVERY, *sorted(set(rows["image"]))]
            _offer(self.image, [(name, name) for name in images], EVERY)
        finally:
            self._busy = False
        rows = select(rows, method=str(self.method.value))
        image = None if self.image.value == EVERY else str(self.image.value)
        own = rows if image is None else select(rows, image=image)
        self._draw(rows, own, image)
        self.numbers.value = f"<div class='diffsr-text'>{html.escape(case_numbers(own))}</div>"

    def _draw(self, rows: pd.DataFrame, own: pd.DataFrame, image: str | None) -> None:
        self._canvas.clear()
        left, right = self._canvas.subplots(1, 2, width_ratios=(1, 1.25))
        # Fixed margins: laying out would cost more than the drawing, and jump from one choice to the next.
        self._canvas.subplots_adjust(left=0.065, right=0.94, bottom=0.25, top=0.91, wspace=0.22)
        colours = scale_colours(rows)
        draw_cases(left, rows, colours, image)
        limit = 1.4 * max(float(rows["t_pred"].max()), float(rows["t_best"].max()), 1.0)
        left.set(xlim=(-0.4, limit), ylim=(-0.4, limit), xlabel="measured best t", ylabel="predicted t")
        left.set_title(method_title(str(rows["method"].iloc[0])), fontsize="medium")
        _over_scale(right, own, limit)
        right.set_title(image or f"{EVERY}: median and range", fontsize="medium")
        bar = Patch(color=BLUE, alpha=0.15, label="mean regret, right axis")
        handles = [*scale_handles(colours), *right.get_legend_handles_labels()[0], bar]
        self._canvas.legend(
            handles=handles, loc="lower center", ncols=-(-len(handles) // 2), frameon=False, fontsize="small"
        )
        self.figure.value = png(self._canvas)


def case_numbers(rows: pd.DataFrame) -> str:
    """One line on the cases of one way of choosing, cases counting alike."""
    count = f"{len(rows)} case{'' if len(rows) == 1 else 's'}"
    regret = rows["regret_percent"]
    return (
        f"{count}: mean |dt| {rows['abs_dt'].mean():.1f} steps, mean regret {regret.mean():.2f} % "
        f"(worst {regret.max():.2f} %), within 1 % of the best in {rows['near'].mean():.0%}, "
        f"better than bicubic in {rows['beats_bicubic'].mean():.0%}."
    )


def _offer(control: ipw.Dropdown, options: list[tuple[str, str]], wanted: str) -> None:
    """New options; the value stays where it is among them."""
    if list(control.options) == options:
        return
    known = [value for _, value in options]
    kept = control.value if control.value in known else wanted
    control.options = options
    control.value = kept


def _over_scale(ax: Axes, rows: pd.DataFrame, limit: float) -> None:
    groups = by_scale(rows)
    for column, colour, marker, label, shift in (
        ("t_best", BLACK, "*", "measured best t", -0.07),
        ("t_pred", ORANGE, "o", "predicted t", 0.07),
    ):
        place = [index + shift for index in range(len(groups))]
        middle = [group[column].median() for _, group in groups]
        spread = [
            [value - group[column].min() for value, (_, group) in zip(middle, groups, strict=True)],
            [group[column].max() - value for value, (_, group) in zip(middle, groups, strict=True)],
        ]
        ax.errorbar(
            place, middle, spread, fmt=marker, color=colour, markersize=10 if marker == "*" else 6,
            elinewidth=1.2, label=label,
        )  # fmt: skip
    ax.set_yscale("symlog", linthresh=1.0, linscale=0.5)
    ax.set_ylim(-0.4, limit)
    plain_numbers(ax.yaxis)
    ax.set_xticks(range(len(groups)), [scale_label(*pair) for pair, _ in groups])
    ax.set_xlim(-0.5, len(groups) - 0.5)
    ax.set(xlabel="scale", ylabel="timestep t")
    twin = ax.twinx()
    regret = [group["regret_percent"].mean() for _, group in groups]
    twin.bar(range(len(groups)), regret, width=0.6, color=BLUE, alpha=0.15, zorder=0)
    twin.set(ylabel="mean regret [%]", ylim=(0, 1.15 * max(*regret, 1.0)))
    ax.set_zorder(twin.get_zorder() + 1)
    ax.patch.set_visible(False)
    tidy(ax)
    twin.spines["top"].set_visible(False)
