"""The theory explorer: move scale, spectrum and schedule, and watch the field and the optimum."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw
from matplotlib.figure import Figure

from diffsr_toolkit.models import reference_card
from diffsr_toolkit.widgets.errors import guarded
from diffsr_toolkit.widgets.figures import STYLE, png
from diffsr_toolkit.widgets.theory_figures import FAMILY_LABELS, draw_theory, schedules
from theory.prf import PRF, Prediction
from theory.spectra import PowerLaw

PIVOT = 1 / 16
"""Frequency, in cycles per pixel, whose power the exponent's slider holds."""

_SIZE = (11.0, 4.2)
_LABEL = {"description_width": "72px"}


class TheoryExplorer:
    """The closed form to play with; nothing here runs a network.

    Attributes
    ----------
    widget : ipywidgets.VBox
        What is displayed.
    family : ipywidgets.Dropdown
        Schedule whose field is drawn.
    scale, exponent : ipywidgets.FloatLogSlider, ipywidgets.FloatSlider
        Scale from 1 to 16; exponent a of the spectrum ``A f^-a``, with the power at `PIVOT` held at that of the
        reference photographs.
    figure : ipywidgets.Image
    table, status : ipywidgets.HTML
        The timesteps on every schedule; what went wrong, if anything did.
    predictions : dict of str to Prediction
        Of every family, for the current scale and exponent, with c = 1.
    errors : list of Exception
        Everything that went wrong in a callback.
    """

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.predictions: dict[str, Prediction] = {}
        self._schedules = schedules()
        self._reference = reference_card().spectrum
        self._canvas = Figure(figsize=_SIZE)
        families = [(label, family) for family, label in FAMILY_LABELS.items()]
        wide = ipw.Layout(width="auto")
        self.family = ipw.Dropdown(options=families, description="Schedule", style=_LABEL)
        self.scale = ipw.FloatLogSlider(
            value=4, base=2, min=0, max=4, step=0.02, description="Scale", style=_LABEL, layout=wide
        )
        exponent = min(max(round(self._reference.exponent, 1), 1.0), 4.0)
        self.exponent = ipw.FloatSlider(
            value=exponent, min=1, max=4, step=0.05, description="Exponent", style=_LABEL, layout=wide
        )
        self.figure = ipw.Image(format="png", layout=wide)
        self.table, self.status = ipw.HTML(layout=wide), ipw.HTML(layout=wide)
        for control in (self.family, self.scale, self.exponent):
            control.observe(self._on_change, "value")
        self.widget = ipw.VBox(
            [
                ipw.HTML(STYLE, layout=ipw.Layout(display="none")),
                ipw.HBox([self.family, self.scale, self.exponent], layout=wide),
                self.figure,
                self.table,
                self.status,
            ],
            layout=ipw.Layout(width="100%", max_width="1100px"),
        )
        self._on_change()

    @property
    def law(self) -> PowerLaw:
        """Spectrum at the sliders: the reference's power at `PIVOT`, the chosen exponent."""
        power, a = float(self._reference(PIVOT)), float(self.exponent.value)
        return PowerLaw(power * PIVOT**a, a)

    def _on_change(self, _: Any = None) -> None:
        guarded(self._draw, self.errors, self.status)

    def _draw(self) -> None:
        scale, law = float(self.scale.value), self.law
        self.predictions = {
            family: PRF(schedule, law).predict(scale) for family, schedule in self._schedules.items()
        }
        draw_theory(self._canvas, law, scale, str(self.family.value), self._schedules)
        self.figure.value = png(self._canvas)
        self.table.value = _table(self.predictions, str(self.family.value))


def _table(predictions: dict[str, Prediction], chosen: str) -> str:
    heads = ("schedule", "t<sub>low</sub>", "t*", "t<sub>high</sub>", "SNR at t*", "field")
    body = ""
    for family, p in predictions.items():
        state = "open" if p.is_open else "empty"
        cells = (
            FAMILY_LABELS[family],
            f"{p.t_low:.1f}",
            f"{p.t_opt:.1f}",
            f"{p.t_high:.1f}",
            f"{p.snr_opt:.3g}",
            state,
        )
        mark = ' class="diffsr-best"' if family == chosen else ""
        body += f"<tr{mark}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    head = "".join(f"<th>{cell}</th>" for cell in heads)
    critical = next(iter(predictions.values())).critical_scale
    return (
        f'<table class="diffsr-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f'<div class="diffsr-text diffsr-note">On every schedule the field closes at scale {critical:.3g}.</div>'
    )
