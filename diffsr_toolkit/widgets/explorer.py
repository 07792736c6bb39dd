"""The scale explorer: choose an image, drag the scale, see the predicted field, restore and compare."""

from __future__ import annotations

import html
import math
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from diffsr_toolkit.stats import BICUBIC, PREDICTED
from diffsr_toolkit.pipeline import PAIR, DiffSR
from diffsr_toolkit.prediction import expected_spectrum, field, pooled, reference_spectrum
from diffsr_toolkit.images import degrade, upsample
from diffsr_toolkit.calibration import find_response
from diffsr_toolkit.sweeps import auto_timesteps
from diffsr_toolkit.widgets.errors import guarded
from diffsr_toolkit.widgets.figures import (
    FieldFigure,
    ReferenceFigure,
    comparison_png,
    curve_png,
    facts_html,
    predicted_values,
    table_html,
)
from diffsr_toolkit.widgets.inputs import (
    decode_upload,
    embedded_responses,
    embedded_schedule,
    fit_within,
    image_sources,
    reference_frame,
)
from diffsr_toolkit.widgets.layout import SLIDER_STEP, ExplorerLayout
from theory.prf import Prediction

PREDICTED_METRIC = "feature_distance"
"""What ``DiffSR.upscale(t="prf")`` aims at; the explorer shows the same prediction."""


class ScaleExplorer(ExplorerLayout):
    """Pick a scale and see where the theory wants the noise, then test it on the image.

    Parameters
    ----------
    sr : DiffSR, optional
        The embedded model by default, loaded at the first restoration.
    images : path, image, sequence or mapping of names to images, optional
        As for ``DiffSR.sweep``; four photographs of scikit-image by default.
    reference : path-like or pandas.DataFrame, optional
        Long table of a sweep whose curves are shown before anything is computed; the shipped one by default.

    Attributes
    ----------
    widget, image, size, scale, metric, steps, seed, upload, button, ...
        What is displayed, and its controls; see `ExplorerLayout`.
    prediction : Prediction
        For the current image, size and scale.
    frame : pandas.DataFrame or None
        The last restoration's measurements, in the format of ``DiffSR.sweep``.
    errors : list of Exception
        Everything that went wrong in a callback; each is also shown in the status line.

    Raises
    ------
    ToolkitError
        When ``images`` or ``reference`` cannot be used.
    """

    def __init__(self, sr: DiffSR | None = None, images: Any = None, reference: Any = None) -> None:
        self.errors: list[Exception] = []
        self.prediction: Prediction
        self.frame: pd.DataFrame | None = None
        self._sr = sr
        self._schedule = embedded_schedule() if sr is None else sr.schedule
        self._responses = embedded_responses() if sr is None else sr.responses
        self._sources = image_sources(images)
        self._field = FieldFigure()
        self._reference = ReferenceFigure(reference_frame(reference))
        # Finished measurements, so that a repeated or stopped run goes on where it was.
        self._store = Path(tempfile.mkdtemp(prefix="scale-explorer-"))
        weakref.finalize(self, shutil.rmtree, self._store, ignore_errors=True)
        self._hr: Tensor
        super().__init__(list(self._sources), PREDICTED_METRIC)
        self._on_image()
        self.image.observe(self._on_image, "value")
        self.size.observe(self._on_image, "value")
        self.samples.observe(self._on_scale, "value")
        self.slider.observe(self._on_slider, "value")
        self.scale.observe(self._on_scale, "value")
        self.metric.observe(self._on_metric, "value")
        self.upload.observe(self._on_upload, "value")
        self.button.on_click(lambda _: self.run())

    @property
    def sr(self) -> DiffSR:
        """The model, loaded when first asked for."""
        if self._sr is None:
            self._say("Loading the embedded model …")
            self._sr = DiffSR.from_pretrained()
            self._schedule, self._responses = self._sr.schedule, self._sr.responses
        return self._sr

    def run(self) -> None:
        """Restore at the predicted timestep, then measure the timesteps around it; what the button does.

        Errors are shown and recorded in ``errors``, as for every callback. Interrupting the kernel keeps
        what was measured.
        """
        self.button.disabled = True
        self.progress.value = 0
        self.progress.layout.display = "flex"
        try:
            guarded(self._run, self.errors, self.status, clear=False)
        except KeyboardInterrupt:
            self._say("Stopped; what was measured until then is kept, and the next run continues there.")
        finally:
            self.progress.layout.display = "none"
            self.button.disabled = False

    def _run(self) -> None:
        sr, name, scale, hr = self.sr, str(self.image.value), float(self.scale.value), self._hr
        steps, seed, best_by = int(self.steps.value), int(self.seed.value), str(self.metric.value)
        consistency = bool(self.consistency.value)
        size = (hr.shape[-2], hr.shape[-1])
        lr = degrade(hr, scale)
        samples = int(self.samples.value)
        predicted = sr.predict(scale, lr, samples=samples, consistency=consistency).t_opt
        others = [t for t in auto_timesteps(sr, predicted) if t != predicted]
        timesteps = [predicted, *others]
        self.progress.max = (1 + len(timesteps)) * steps * samples

        settings = PAIR | {"steps": steps, "samples": samples, "consistency": consistency}
        kind = "consistent" if consistency else "plain"
        self._say(f"Restoring {html.escape(name)} at the predicted t = {predicted:.4g} …")
        restored, nfe = sr.restore(
            lr,
            size,
            predicted,
            seed=seed,
            callback=lambda state: self._advance(state.nfe * samples),
            **settings,
        )
        images = {
            "low resolution": lr,
            "bicubic": upsample(lr, size).clamp(-1, 1),
            f"Diff-SR, t = {predicted:.4g}, NFE {nfe}": restored.clamp(-1, 1),
            "original": hr,
        }
        parts: list[pd.DataFrame] = []
        for index, t in enumerate(timesteps):
            self._say(f"Measuring at t = {t:.4g}, {index + 1} of {len(timesteps)} …")
            part = sr.sweep(
                {name: hr},
                [scale],
                [t],
                seeds=[seed],
                store=self._store / f"{samples}x{steps}-{kind}",
                progress=False,
                **settings,
            )
            # Every part brings the baselines' rows again.
            parts.append(part if index == 0 else part[part["method"] == "diffsr"])
            self.frame = pd.concat(parts, ignore_index=True)
            if index == 0:
                self._show_images(images)
            self._show_measurements(name, scale, best_by)
            self._advance((2 + index) * steps * samples)
        self._say(
            f"Restored {html.escape(name)} at scale {scale:.3g}, measured {len(timesteps)} timesteps "
            f"with {samples} x {steps} evaluations each, {kind} sampling, "
            f"seed {seed}, model {html.escape(sr.name)}."
        )

    def _show_images(self, images: dict[str, Tensor]) -> None:
        assert self.frame is not None
        values = predicted_values(self.frame)
        low, bicubic, restored, original = images
        captions = {bicubic: values[BICUBIC], restored: values[PREDICTED]}
        captions |= {
            key: f"{images[key].shape[-1]} × {images[key].shape[-2]} pixels" for key in (low, original)
        }
        self.comparison.value = comparison_png(images, captions)

    def _show_measurements(self, name: str, scale: float, best_by: str) -> None:
        assert self.frame is not None
        self.table.value = table_html(self.frame, best_by)
        self.curve.value = curve_png(self.frame, name, scale, best_by)
        self.results.layout.display = "flex"

    def _advance(self, evaluations: int) -> None:
        self.progress.value = evaluations

    def _on_image(self, _: Any = None) -> None:
        guarded(self._take_image, self.errors, self.status)

    def _on_slider(self, _: Any = None) -> None:
        steps = math.log2(self.slider.value / self.scale.value) / SLIDER_STEP
        # Within half a step it is the browser's rounding of the scale that was typed.
        if abs(steps) > 0.5 + 1e-6:
            self.scale.value = round(self.slider.value, 2)

    def _on_scale(self, _: Any = None) -> None:
        self.slider.value = self.scale.value
        guarded(self._predict, self.errors, self.status)

    def _on_metric(self, _: Any = None) -> None:
        guarded(self._draw_reference, self.errors, self.status)

    def _take_image(self) -> None:
        self._hr = fit_within(self._sources[str(self.image.value)](), int(self.size.value))
        self._predict()

    def _predict(self) -> None:
        scale = float(self.scale.value)
        lr = degrade(self._hr, scale)
        spectrum = expected_spectrum(lr, (scale, scale))
        samples = int(self.samples.value)
        response = find_response(self._responses, samples, bool(self.consistency.value))
        prf = field(self._schedule, spectrum, metric=PREDICTED_METRIC, samples=samples, response=response)
        self.prediction = prf.predict(scale)
        sizes = [(image.shape[-2], image.shape[-1]) for image in (lr, self._hr)]
        self.facts.value = facts_html(self.prediction, *sizes)
        note = ""
        if spectrum == pooled(reference_spectrum()):
            note = (
                " <span class='diffsr-note'>The low-resolution image is too small or too flat for a spectrum "
                "of its own; the reference photographs' is used.</span>"
            )
        self.explanation.value = (
            f"<div class='diffsr-text'>{html.escape(self.prediction.explanation)}{note}</div>"
        )
        self.figure.value = self._field.draw(prf, self.prediction)
        self._draw_reference()

    def _draw_reference(self) -> None:
        self.reference.value = self._reference.draw(
            str(self.image.value), float(self.scale.value), str(self.metric.value)
        )

    def _on_upload(self, _: Any = None) -> None:
        if self.upload.value:
            guarded(self._take_upload, self.errors, self.status, clear=False)
            # So that the same file may be chosen again, and its bytes do not stay in the notebook.
            self.upload.value = ()

    def _take_upload(self) -> None:
        name, hr = decode_upload(self.upload.value[0])
        self._sources[name] = lambda: hr
        # New options select the first of them on the way to the new one: draw once, at the end.
        self.image.unobserve(self._on_image, "value")
        try:
            self.image.options = list(self._sources)
            self.image.value = name
        finally:
            self.image.observe(self._on_image, "value")
        self._take_image()
        self._say(
            f"{html.escape(name)}: {hr.shape[-1]} × {hr.shape[-2]} pixels uploaded, "
            f"used at {self._hr.shape[-1]} × {self._hr.shape[-2]}."
        )

    def _say(self, text: str) -> None:
        self.status.value = f"<div class='diffsr-status'>{text}</div>"
