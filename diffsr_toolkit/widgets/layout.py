"""The explorer's controls and views and how they are arranged, without behaviour."""

from __future__ import annotations

import ipywidgets as ipw

from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.settings import PAIR
from diffsr_toolkit.stats import SHORT
from diffsr_toolkit.widgets.figures import FIELD_SIZE, REFERENCE_SIZE, STYLE

SIDES = (64, 96, 128, 192, 256)
"""Longest sides, in pixels, to which images may be reduced."""

SLIDER_STEP = 0.02
"""In powers of two: one press of an arrow key changes the scale by 1.4 per cent."""

_WIDTH = "1100px"
_CELLS = "repeat(auto-fit, minmax(225px, 1fr))"
_LABEL = {"description_width": "64px"}
_FILES = ".png,.jpg,.jpeg,.webp,.tif,.tiff,.bmp"


class ExplorerLayout:
    """Widgets of the scale explorer.

    Parameters
    ----------
    names : list of str
        Images to choose from.
    metric : str
        Metric chosen at first.

    Attributes
    ----------
    image, size, metric : ipywidgets.Dropdown
    slider : ipywidgets.FloatLogSlider
    scale : ipywidgets.BoundedFloatText
        The scale itself, any real number from 1 to 16; the slider moves it.
    steps, samples, seed : ipywidgets.BoundedIntText
    consistency : ipywidgets.Checkbox
    upload : ipywidgets.FileUpload
    button : ipywidgets.Button
    progress : ipywidgets.IntProgress
        In network evaluations.
    facts, explanation, status, table : ipywidgets.HTML
    figure, reference, comparison, curve : ipywidgets.Image
        The field, the nearest reference curve, the restored images, the measured curve.
    widget : ipywidgets.VBox
        All of them, to display.
    """

    def __init__(self, names: list[str], metric: str) -> None:
        self._make_controls(names, metric)
        self._make_views()
        self.widget = ipw.VBox(
            [
                # A style holds for the page even where its own element is not displayed.
                ipw.HTML(STYLE, layout=ipw.Layout(display="none")),
                _grid(_CELLS, [self.image, self.size, self.metric, self.upload]),
                ipw.HBox([self.slider, self.scale], layout=ipw.Layout(overflow="visible", width="100%")),
                self.facts,
                _grid(
                    f"minmax(0, {FIELD_SIZE[0]}fr) minmax(0, {REFERENCE_SIZE[0]}fr)",
                    [self.figure, self.reference],
                    gap="0",
                ),
                self.explanation,
                _grid(_CELLS, [self.steps, self.samples, self.seed, self.consistency]),
                self.button,
                self.progress,
                self.status,
                self.results,
            ],
            layout=ipw.Layout(overflow="visible", width="100%", max_width=_WIDTH),
        )

    def _make_controls(self, names: list[str], metric: str) -> None:
        self.image = ipw.Dropdown(options=names, description="Image", style=_LABEL, layout=_cell())
        sides = [(f"up to {side} pixels", side) for side in SIDES]
        self.size = ipw.Dropdown(options=sides, value=128, description="Size", style=_LABEL, layout=_cell())
        self.upload = ipw.FileUpload(
            accept=_FILES,
            description="Upload a photograph",
            tooltip="At most 10 MB, Jupyter's limit on one message; larger ones: ScaleExplorer(images=path)",
            layout=_cell(),
        )
        self.slider = ipw.FloatLogSlider(
            value=2.7,
            base=2,
            min=0,
            max=4,
            step=SLIDER_STEP,
            readout=False,
            description="Scale",
            continuous_update=True,
            style=_LABEL,
            layout=ipw.Layout(width="auto", flex="1 1 0%", margin="2px 0"),
        )
        # The browser rounds a slider's value to its steps; the number beside it stays as given.
        self.scale = ipw.BoundedFloatText(
            value=2.7, min=1, max=16, step=0.1, layout=ipw.Layout(width="84px", margin="2px 0 2px 12px")
        )
        metrics = [(SHORT.get(name, name), name) for name in METRICS]
        self.metric = ipw.Dropdown(
            options=metrics, value=metric, description="Curve of", style=_LABEL, layout=_cell()
        )
        self.steps = ipw.BoundedIntText(
            value=PAIR.steps, min=1, max=1000, description="Steps", style=_LABEL, layout=_cell()
        )
        self.samples = ipw.BoundedIntText(
            value=PAIR.samples,
            min=1,
            max=64,
            description="Average",
            tooltip="Restorations that are averaged, in antithetic pairs; each costs as many evaluations as steps",
            style=_LABEL,
            layout=_cell(),
        )
        self.seed = ipw.BoundedIntText(
            value=0, min=0, max=2**31 - 1, description="Seed", style=_LABEL, layout=_cell()
        )
        self.consistency = ipw.Checkbox(
            value=PAIR.consistency,
            description="Keep to the low-resolution image",
            indent=False,
            tooltip="Every estimate is corrected until it reduces to the low-resolution image; off: plain Diff-SR",
            layout=_cell(),
        )
        self.button = ipw.Button(
            description="Restore and measure",
            button_style="primary",
            icon="play",
            tooltip="Degrade the image, restore it at the predicted timestep and at others around it",
            layout=ipw.Layout(width="100%", margin="4px 0"),
        )

    def _make_views(self) -> None:
        self.facts, self.explanation, self.status, self.table = (ipw.HTML(layout=_wide()) for _ in range(4))
        self.figure, self.reference, self.comparison, self.curve = (
            ipw.Image(format="png", layout=_wide()) for _ in range(4)
        )
        self.progress = ipw.IntProgress(layout=ipw.Layout(width="100%", margin="2px 0", display="none"))
        self.results = ipw.VBox(
            [self.comparison, self.table, self.curve],
            layout=ipw.Layout(display="none", overflow="visible", width="100%"),
        )


def _cell() -> ipw.Layout:
    return ipw.Layout(width="auto", margin="2px 0")


def _wide() -> ipw.Layout:
    return ipw.Layout(width="100%", margin="0")


def _grid(columns: str, children: list[ipw.Widget], gap: str = "4px 24px") -> ipw.GridBox:
    return ipw.GridBox(
        children,
        layout=ipw.Layout(grid_template_columns=columns, grid_gap=gap, width="100%", overflow="visible"),
    )
