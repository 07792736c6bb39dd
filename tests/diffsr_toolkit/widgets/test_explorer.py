"""The scale explorer without a browser: values are set and callbacks run as the front end would have it."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from diffsr_toolkit import PAIR, DiffSR, SamplingSettings
from diffsr_toolkit.datasets import BUNDLED
from diffsr_toolkit.images import degrade, to_tensor
from diffsr_toolkit.models import load_card
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.widgets import ScaleExplorer
from helpers.images import walk
from theory.schedules import NoiseSchedule

pytestmark = pytest.mark.slow


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Timesteps from which the model restored."""
    timesteps: list[float] = []
    restore = DiffusionRestorer.restore

    def counted(
        self: DiffusionRestorer, lr: torch.Tensor, size: Any, t: float, *args: Any, **more: Any
    ) -> Any:
        timesteps.append(t)
        return restore(self, lr, size, t, *args, **more)

    monkeypatch.setattr(DiffusionRestorer, "restore", counted)
    return timesteps


@pytest.fixture
def unloadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model can be loaded."""

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("the model was loaded")

    # A face keeps what it has resolved: first its own name, then the file's.
    monkeypatch.setattr("diffsr_toolkit.models.load_model", forbidden)
    monkeypatch.setattr("diffsr_toolkit.models.diffusers.load_model", forbidden)


def shown(explorer: ScaleExplorer, name: str) -> float:
    found = re.search(rf'class="{name}">(?:× )?([^<]+)<', explorer.facts.value)
    assert found is not None
    return float(found[1])


def size_of(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as image:
        return image.size


def test_shows_the_theorys_numbers_for_any_real_scale(explorer: ScaleExplorer) -> None:
    before = explorer.figure.value
    explorer.scale.value = 3.337
    assert explorer.prediction.scale == (3.337, 3.337)
    assert explorer.figure.value != before
    assert shown(explorer, "diffsr-t-opt") == pytest.approx(explorer.prediction.t_opt, rel=1e-3)
    assert shown(explorer, "diffsr-t-low") == pytest.approx(explorer.prediction.t_low, rel=1e-3)
    assert shown(explorer, "diffsr-snr") == pytest.approx(explorer.prediction.snr_opt, rel=1e-3)
    assert shown(explorer, "diffsr-critical") == pytest.approx(explorer.prediction.critical_scale, rel=1e-3)
    assert "x3.337" in explorer.explanation.value
    assert explorer.errors == []


def test_prediction_is_the_pipelines_own(explorer: ScaleExplorer, sr: DiffSR) -> None:
    explorer.scale.value = 2.0
    lr = degrade(to_tensor(walk(40, 48))[0], 2.0)
    for samples in (1, 2):
        explorer.samples.value = samples
        expected = sr.predict(2.0, lr, samples=samples, steps=2, eta=PAIR.eta)
        assert explorer.prediction.t_opt == pytest.approx(expected.t_opt, rel=1e-9)


@pytest.mark.parametrize(
    ("samples", "consistency"), [(2, True), (2, False), (1, True), (1, False)], ids=lambda value: str(value)
)
def test_every_setting_counts_in_the_prediction(unloadable: None, samples: int, consistency: bool) -> None:
    explorer = ScaleExplorer(images={"leaf": walk(80, 96)})
    explorer.scale.value, explorer.steps.value = 4.0, 7
    explorer.samples.value, explorer.consistency.value = samples, consistency
    settings = SamplingSettings(steps=7, samples=samples, eta=1.0, consistency=consistency)
    assert explorer.settings == settings
    card = load_card("embedded")
    expected = Predictor(card.schedule, card).predict(4.0, degrade(explorer._hr, 4.0), settings=settings)
    assert explorer.prediction == expected
    assert shown(explorer, "diffsr-t-opt") == pytest.approx(expected.t_opt, rel=1e-3)
    assert explorer.errors == []


def test_plain_sampling_is_predicted_when_it_is_chosen(unloadable: None) -> None:
    explorer = ScaleExplorer(images={"leaf": walk(80, 96)})
    explorer.scale.value = 4.0
    before, figure = explorer.prediction, explorer.figure.value
    explorer.consistency.value = False
    assert explorer.prediction.t_opt != before.t_opt and explorer.figure.value != figure
    explorer.consistency.value = True
    assert explorer.prediction == before and explorer.figure.value == figure


def test_slider_moves_the_scale_and_never_rounds_it(explorer: ScaleExplorer) -> None:
    explorer.slider.value = 5.0
    assert explorer.scale.value == 5.0
    explorer.scale.value = 3.337
    assert explorer.slider.value == 3.337
    # What a browser sends back: the nearest of the slider's steps.
    explorer.slider.value = 2 ** (0.02 * round(np.log2(3.337) / 0.02))
    assert explorer.scale.value == 3.337


def test_every_control_at_its_limits(explorer: ScaleExplorer) -> None:
    for scale in (1.0, 16.0):
        explorer.scale.value = scale
    assert "too small or too flat" in explorer.explanation.value
    for _, side in explorer.size.options:
        explorer.size.value = side
    for _, metric in explorer.metric.options:
        explorer.metric.value = metric
    assert explorer.errors == []


def test_reference_curve_is_the_nearest(explorer: ScaleExplorer) -> None:
    explorer.scale.value = 2.2
    near = explorer.reference.value
    explorer.scale.value = 2.3
    assert explorer.reference.value == near
    explorer.scale.value = 3.9
    assert explorer.reference.value != near


def test_run_measures_what_a_sweep_measures(
    explorer: ScaleExplorer, sr: DiffSR, restored: list[float]
) -> None:
    values: list[int] = []
    explorer.progress.observe(lambda change: values.append(change["new"]), "value")
    locked: list[bool] = []
    explorer.button.observe(lambda change: locked.append(change["new"]), "disabled")
    explorer.scale.value = 2.5
    explorer.run()
    assert explorer.errors == []
    # What the reader waits for comes first, and nothing is restored twice.
    assert restored[0] == explorer.prediction.t_opt and len(restored) == len(set(restored))
    expected = sr.sweep({"leaf": explorer._hr}, [2.5], steps=2, samples=2, eta=1.0, progress=False)
    assert explorer.frame is not None
    keys = ["method", "t", "metric"]
    merged = explorer.frame.merge(expected, on=keys, suffixes=("", "_expected"))
    assert len(merged) == len(expected) == len(explorer.frame)
    assert merged["value"].to_numpy() == pytest.approx(merged["value_expected"].to_numpy(), rel=1e-9)
    assert values == sorted(values) and values[-1] == explorer.progress.max
    assert locked == [True, False]
    assert explorer.results.layout.display != "none" and explorer.progress.layout.display == "none"
    assert all(size_of(view.value)[0] > 1000 for view in (explorer.comparison, explorer.curve))
    assert explorer.table.value.count("<tr>") == 1 + 2 + len(set(expected["method"]) - {"diffsr"})
    assert "Restored leaf at scale 2.5" in explorer.status.value


def test_a_repeated_run_restores_nothing(sr: DiffSR, sweep: pd.DataFrame, restored: list[float]) -> None:
    explorer = ScaleExplorer(sr, {"leaf": walk(24, 24)}, sweep)
    explorer.steps.value = 1
    explorer.run()
    first, frame, picture = len(restored), explorer.frame, explorer.comparison.value
    assert first > 2
    explorer.comparison.value = b""
    explorer.run()
    assert len(restored) == first and explorer.comparison.value == picture
    pd.testing.assert_frame_equal(explorer.frame, frame)
    assert explorer.errors == []


def test_interrupt_keeps_what_was_measured(
    explorer: ScaleExplorer, restored: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = DiffusionRestorer.restore

    def interrupted(self: DiffusionRestorer, *args: Any, **more: Any) -> Any:
        if len(restored) == 2:
            raise KeyboardInterrupt
        return restore(self, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(DiffusionRestorer, "restore", interrupted)
        explorer.run()
    assert explorer.frame is not None
    assert list(explorer.frame.loc[explorer.frame["method"] == "diffsr", "t"].unique()) == restored
    assert "Stopped" in explorer.status.value
    assert explorer.button.disabled is False
    assert explorer.errors == []
    explorer.run()
    assert len(restored) == len(set(restored)) > 2


def test_failing_model_is_shown_and_recorded(sweep: pd.DataFrame) -> None:
    def broken(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no <memory>")

    explorer = ScaleExplorer(DiffSR(broken, NoiseSchedule.cosine(1000)), {"leaf": walk(24, 24)}, sweep)
    explorer.button.click()
    assert [str(error) for error in explorer.errors] == ["no <memory>"]
    assert "diffsr-error" in explorer.status.value
    assert "Unexpected RuntimeError: no &lt;memory&gt;" in explorer.status.value
    assert explorer.button.disabled is False
    explorer.scale.value = 4.0
    assert "diffsr-error" not in explorer.status.value


def test_predicts_for_bundled_photographs_without_loading_a_model(unloadable: None) -> None:
    explorer = ScaleExplorer()
    for name in BUNDLED:
        explorer.image.value = name
        assert max(explorer._hr.shape[-2:]) == 128
    explorer.scale.value, explorer.samples.value, explorer.metric.value = 3.1, 1, "ssim"
    assert explorer.errors == []
    explorer.run()
    assert [str(error) for error in explorer.errors] == ["the model was loaded"]


def test_the_prediction_is_for_the_model_that_is_loaded() -> None:
    model, card = DiffSR.from_pretrained("embedded"), load_card("embedded")
    assert model.card == card and model.schedule == card.schedule
