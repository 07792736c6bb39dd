"""The scale explorer without a browser: values are set and callbacks run as the front end would have it."""

from __future__ import annotations

import datetime
import io
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from diffsr_toolkit import DiffSR
from diffsr_toolkit.errors import ImageError, StoreError, ToolkitError
from diffsr_toolkit.images import to_tensor
from diffsr_toolkit.models import load_model
from diffsr_toolkit.images import degrade
from diffsr_toolkit.widgets import (
    PHOTOGRAPHS,
    embedded_schedule,
    fit_within,
    image_sources,
    nearest_curve,
    reference_frame,
)
from diffsr_toolkit.widgets import ScaleExplorer
from theory import NoiseSchedule


def clip(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """A denoiser that costs nothing."""
    return x.clamp(-1, 1)


def picture(height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(height).normal(size=(height, width, 3)).cumsum(0).cumsum(1)
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)


@pytest.fixture(scope="module")
def sr() -> DiffSR:
    return DiffSR(clip, NoiseSchedule.linear(1000), channels=3, name="clip")


@pytest.fixture(scope="module")
def sweep(sr: DiffSR) -> pd.DataFrame:
    images = {"wall": picture(48, 40), "leaf": picture(40, 48)}
    return sr.sweep(images, [2.0, 4.0], [20.0, 60.0, 150.0], steps=1, progress=False)


@pytest.fixture
def explorer(sr: DiffSR, sweep: pd.DataFrame) -> ScaleExplorer:
    made = ScaleExplorer(sr, {"leaf": picture(40, 48), "wall": picture(48, 40)}, sweep)
    made.steps.value = 2
    return made


def encoded(array: np.ndarray, kind: str = "png") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray((255 * array).astype(np.uint8)).save(buffer, format=kind)
    return buffer.getvalue()


def upload(explorer: ScaleExplorer, name: str, content: bytes) -> None:
    now = datetime.datetime.now(datetime.UTC)
    file = {"name": name, "type": "", "size": len(content), "content": content, "last_modified": now}
    explorer.upload.set_trait("value", (file,))


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
    lr = degrade(to_tensor(picture(40, 48))[0], 2.0)
    for samples in (1, 2):
        explorer.samples.value = samples
        expected = sr.predict(2.0, lr, samples=samples)
        assert explorer.prediction.t_opt == pytest.approx(expected.t_opt, rel=1e-9)


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


def test_reference_curve_is_the_nearest(explorer: ScaleExplorer, sweep: pd.DataFrame) -> None:
    explorer.scale.value = 2.2
    near = explorer.reference.value
    explorer.scale.value = 2.3
    assert explorer.reference.value == near
    explorer.scale.value = 3.9
    assert explorer.reference.value != near
    assert nearest_curve(sweep, "leaf", 2.7, "psnr_y") == ("leaf", (2.0, 2.0))
    assert nearest_curve(sweep, "leaf", 2.9, "psnr_y") == ("leaf", (4.0, 4.0))
    assert nearest_curve(sweep, "unknown", 16.0, "psnr_y") == ("wall", (4.0, 4.0))
    assert nearest_curve(sweep[sweep["metric"] == "ssim"], "leaf", 2.0, "psnr_y") is None


def test_run_measures_what_a_sweep_measures(explorer: ScaleExplorer, sr: DiffSR) -> None:
    values: list[int] = []
    explorer.progress.observe(lambda change: values.append(change["new"]), "value")
    locked: list[bool] = []
    explorer.button.observe(lambda change: locked.append(change["new"]), "disabled")
    explorer.scale.value = 2.5
    explorer.run()
    assert explorer.errors == []
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


def test_repeated_run_restores_only_the_picture(
    sr: DiffSR, sweep: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = ScaleExplorer(sr, {"leaf": picture(24, 24)}, sweep)
    explorer.steps.value = 1
    calls: list[float] = []
    restore = DiffSR.restore

    def counted(self: DiffSR, lr: torch.Tensor, size: Any, t: float, **settings: Any) -> Any:
        calls.append(t)
        return restore(self, lr, size, t, **settings)

    monkeypatch.setattr(DiffSR, "restore", counted)
    explorer.run()
    first = len(calls)
    explorer.run()
    assert first > 2 and len(calls) == first + 1
    assert explorer.errors == []


def test_interrupt_keeps_what_was_measured(
    explorer: ScaleExplorer, sr: DiffSR, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_once, calls = DiffSR.sweep, []

    def interrupted(self: DiffSR, *args: Any, **settings: Any) -> pd.DataFrame:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sweep_once(self, *args, **settings)

    monkeypatch.setattr(DiffSR, "sweep", interrupted)
    explorer.run()
    assert explorer.frame is not None
    assert explorer.frame.loc[explorer.frame["method"] == "diffsr", "t"].nunique() == 2
    assert "Stopped" in explorer.status.value
    assert explorer.button.disabled is False
    assert explorer.errors == []


def test_failing_model_is_shown_and_recorded(sweep: pd.DataFrame) -> None:
    def broken(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no <memory>")

    explorer = ScaleExplorer(DiffSR(broken, NoiseSchedule.cosine(1000)), {"leaf": picture(24, 24)}, sweep)
    explorer.button.click()
    assert [str(error) for error in explorer.errors] == ["no <memory>"]
    assert "diffsr-error" in explorer.status.value
    assert "Unexpected RuntimeError: no &lt;memory&gt;" in explorer.status.value
    assert explorer.button.disabled is False
    explorer.scale.value = 4.0
    assert "diffsr-error" not in explorer.status.value


def test_upload_becomes_the_image(explorer: ScaleExplorer) -> None:
    upload(explorer, "mine.jpg", encoded(picture(150, 300), "jpeg"))
    assert explorer.errors == []
    assert explorer.image.value == "mine" and set(explorer.image.options) == {"leaf", "wall", "mine"}
    assert explorer._hr.shape == (3, 64, 128)
    assert "300 × 150 pixels uploaded, used at 128 × 64" in explorer.status.value
    assert explorer.upload.value == ()


def test_second_upload_of_a_name_replaces_the_first(explorer: ScaleExplorer) -> None:
    upload(explorer, "mine.png", encoded(picture(30, 40)))
    upload(explorer, "mine.png", encoded(picture(50, 20)))
    assert explorer._hr.shape == (3, 50, 20)
    assert list(explorer.image.options) == ["leaf", "wall", "mine"]


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is empty"),
        (b"no picture", "cannot be read as an image"),
        (encoded(picture(40, 40))[:200], "cannot be read as an image"),
    ],
    ids=["empty", "no image", "cut short"],
)
def test_bad_upload_is_explained_and_changes_nothing(
    explorer: ScaleExplorer, content: bytes, message: str
) -> None:
    upload(explorer, "mine.png", content)
    assert len(explorer.errors) == 1 and isinstance(explorer.errors[0], ImageError)
    assert f"mine.png {message}" in explorer.status.value
    assert "diffsr-error" in explorer.status.value
    assert explorer.image.value == "leaf" and list(explorer.image.options) == ["leaf", "wall"]


def test_huge_upload_is_refused(explorer: ScaleExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    upload(explorer, "wide.png", encoded(picture(40, 40)))
    assert "more pixels than the limit" in explorer.status.value
    monkeypatch.setattr("diffsr_toolkit.widgets.inputs.MAX_UPLOAD_BYTES", 1000)
    upload(explorer, "long.png", b"0" * 2000)
    assert "long.png has" in explorer.status.value and "the limit is" in explorer.status.value
    assert len(explorer.errors) == 2


def test_opens_on_bundled_photographs_without_loading_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("diffsr_toolkit.models.diffusers.load_model", forbidden)
    explorer = ScaleExplorer()
    for name in PHOTOGRAPHS:
        explorer.image.value = name
        assert max(explorer._hr.shape[-2:]) == 128
    assert explorer.errors == []


def test_embedded_schedule_is_the_models() -> None:
    t = np.linspace(0, 999, 50)
    model = load_model("embedded").schedule
    assert embedded_schedule().log_snr(t) == pytest.approx(model.log_snr(t), rel=1e-4, abs=1e-4)


def test_fit_within_reduces_and_never_enlarges() -> None:
    assert fit_within(torch.zeros(3, 100, 300), 128).shape == (3, 43, 128)
    small = torch.rand(1, 20, 30) * 2 - 1
    assert torch.equal(fit_within(small, 128), small)


def test_reference_must_be_a_sweep(tmp_path: Any, sweep: pd.DataFrame) -> None:
    with pytest.raises(StoreError, match="give a sweep's CSV"):
        reference_frame(tmp_path / "missing.csv")
    with pytest.raises(ToolkitError, match="column"):
        reference_frame(pd.DataFrame({"a": [1]}))
    path = tmp_path / "sweep.csv"
    sweep.to_csv(path, index=False)
    assert len(reference_frame(path)) == len(sweep)


def test_image_names_must_be_distinct_and_given() -> None:
    with pytest.raises(ImageError, match="0 images"):
        image_sources({})
    assert list(image_sources()) == list(PHOTOGRAPHS)
