"""The scale explorer: choose an image, drag the scale, see the predicted field, restore and compare."""

from __future__ import annotations

import html
import math
import shutil
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from diffsr_toolkit.columns import DIFFSR
from diffsr_toolkit.datasets import NamedImage, fit_within
from diffsr_toolkit.images import degrade
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.models import load_card
from diffsr_toolkit.pipeline import DiffSR
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.sampling import State
from diffsr_toolkit.settings import PAIR, SamplingSettings
from diffsr_toolkit.stats import BICUBIC, PREDICTED
from diffsr_toolkit.sweeps import Measured, SweepTask, measure_tasks, open_store, plan
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
from diffsr_toolkit.widgets.inputs import decode_upload, image_sources, reference_frame
from diffsr_toolkit.widgets.layout import SLIDER_STEP, ExplorerLayout
from theory.prf import Prediction
from theory.scale import as_scale

MODEL = "embedded"
"""What is predicted for, and loaded at the first restoration, where no model is given."""

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
        For the current image, size, scale and settings.
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
        if sr is None:
            card = load_card(MODEL)
            self._predictor = Predictor(card.schedule, card)
        else:
            self._predictor = sr.predictor
        self._sources = image_sources(images)
        self._field = FieldFigure()
        self._reference = ReferenceFigure(reference_frame(reference))
        # Finished measurements, so that a repeated or stopped run goes on where it was.
        self._store = Path(tempfile.mkdtemp(prefix="scale-explorer-"))
        weakref.finalize(self, shutil.rmtree, self._store, ignore_errors=True)
        self._hr: Tensor
        super().__init__(list(self._sources), PREDICTED_METRIC)
        self._on_image()
        self.slider.observe(self._on_slider, "value")
        for control in (self.image, self.size):
            control.observe(self._on_image, "value")
        for control in (self.scale, self.steps, self.samples, self.consistency):
            control.observe(self._on_scale, "value")
        self.metric.observe(self._on_metric, "value")
        self.upload.observe(self._on_upload, "value")
        self.button.on_click(lambda _: self.run())

    @property
    def sr(self) -> DiffSR:
        """The model, loaded when first asked for."""
        if self._sr is None:
            self._say("Loading the embedded model …")
            self._sr = DiffSR.from_pretrained(MODEL)
        return self._sr

    @property
    def settings(self) -> SamplingSettings:
        """How the next restoration is sampled, and what is predicted for."""
        return replace(
            PAIR,
            steps=int(self.steps.value),
            samples=int(self.samples.value),
            consistency=bool(self.consistency.value),
        )

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
        sr, settings, metrics = self.sr, self.settings, list(METRICS)
        name, scale, best_by = str(self.image.value), float(self.scale.value), str(self.metric.value)
        tasks = self._tasks(name, scale, settings)
        count, done = sum(task.method == DIFFSR for task in tasks), 0
        self.progress.max = count * settings.nfe
        kind = "consistent" if settings.consistency else "plain"
        folder = self._store / f"{settings.samples}x{settings.steps}-{kind}"
        store = open_store(folder, sr.restorer, settings, metrics, keep_images=True)

        def advance(state: State) -> None:
            self.progress.value = done * settings.nfe + state.nfe * settings.samples

        found = measure_tasks(sr.restorer, tasks, metrics, settings, store, advance)
        rows: list[dict[str, Any]] = []
        baselines: dict[str, Measured] = {}
        for task in tasks:
            self._say(_doing(task, done, count))
            measured = next(found)
            rows += measured.rows
            if task.method != DIFFSR:
                baselines[task.method] = measured
                continue
            done += 1
            self.progress.value = done * settings.nfe
            self.frame = pd.DataFrame(rows)
            if task.t == task.t_pred:
                self._show_images(baselines["bicubic"], measured)
            self._show_measurements(name, scale, best_by)
        self._say(
            f"Restored {html.escape(name)} at scale {scale:.3g}, measured {count} timesteps "
            f"with {settings.samples} x {settings.steps} evaluations each, {kind} sampling, "
            f"seed {int(self.seed.value)}, model {html.escape(sr.name)}."
        )

    def _tasks(self, name: str, scale: float, settings: SamplingSettings) -> list[SweepTask]:
        """What a run measures: the baselines, then the predicted timestep, then those around it."""
        picture, seeds = NamedImage(name, self._hr), [int(self.seed.value)]
        tasks = plan(self._predictor, [picture], [as_scale(scale)], None, seeds, settings)
        return sorted(tasks, key=lambda task: task.method == DIFFSR and task.t != task.t_pred)

    def _show_images(self, bicubic: Measured, measured: Measured) -> None:
        assert self.frame is not None and bicubic.restored is not None and measured.restored is not None
        task, values = measured.task, predicted_values(self.frame)
        title = f"Diff-SR, t = {task.t:.4g}, NFE {measured.rows[0]['nfe']}"
        images = {
            "low resolution": task.lr,
            "bicubic": bicubic.restored.clamp(-1, 1),
            title: measured.restored.clamp(-1, 1),
            "original": task.picture.hr,
        }
        captions = {"bicubic": values[BICUBIC], title: values[PREDICTED]}
        captions |= {
            key: f"{images[key].shape[-1]} × {images[key].shape[-2]} pixels"
            for key in ("low resolution", "original")
        }
        self.comparison.value = comparison_png(images, captions)

    def _show_measurements(self, name: str, scale: float, best_by: str) -> None:
        assert self.frame is not None
        self.table.value = table_html(self.frame, best_by)
        self.curve.value = curve_png(self.frame, name, scale, best_by)
        self.results.layout.display = "flex"

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
        scale, predictor = float(self.scale.value), self._predictor
        lr = degrade(self._hr, scale)
        own = predictor.image_spectrum(lr, scale)
        prf = predictor.field(predictor.pooled(own), metric=PREDICTED_METRIC, settings=self.settings)
        self.prediction = prf.predict(scale)
        sizes = [(image.shape[-2], image.shape[-1]) for image in (lr, self._hr)]
        self.facts.value = facts_html(self.prediction, *sizes)
        note = ""
        if own == predictor.card.spectrum:
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


def _doing(task: SweepTask, done: int, count: int) -> str:
    if task.method != DIFFSR:
        return "Measuring the baselines …"
    if task.t == task.t_pred:
        what = f"Restoring {html.escape(task.picture.name)} at the predicted t = {task.t:.4g}"
    else:
        what = f"Measuring at t = {task.t:.4g}"
    return f"{what}, {done + 1} of {count} …"
