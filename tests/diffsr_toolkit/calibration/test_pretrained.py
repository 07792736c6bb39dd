"""``diffsr calibrate`` from end to end: a folder of a model and image files become a card that predictions use."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from diffsr_toolkit import DiffSR, SamplingSettings
from diffsr_toolkit.calibration import CalibrationPlan, calibrate_model
from diffsr_toolkit.datasets import shipped_test
from diffsr_toolkit.errors import ImageError, ModelError, OutputError
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.models import UNetDenoiser, load_card, read_card
from diffsr_toolkit.resources import data_path

pytestmark = pytest.mark.slow

QUICK, TWO = SamplingSettings(steps=1), SamplingSettings(steps=1, samples=2, eta=1.0)
PLAN = CalibrationPlan(
    samplers=(QUICK, TWO),
    calibrated=(QUICK, TWO),
    scales=(2.0, 3.0),
    ratios=(0.25, 4.0, 64.0),
    candidates=(0.25, 4.0, 64.0),
    noise_levels=(0.1, 0.5),
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The Fashion-MNIST model as a folder of one's own, which no card describes."""
    folder = tmp_path / "mine"
    shutil.copytree(
        data_path("models", "fashion"), folder, ignore=shutil.ignore_patterns("*.npz", "card.json")
    )
    return folder


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = []
    for number, pixels in enumerate(shipped_test().images[:5]):
        paths.append(tmp_path / f"picture{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each evaluation of a network."""
    seen: list[int] = []
    evaluate = UNetDenoiser.__call__

    def counted(self: UNetDenoiser, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        seen.append(len(x))
        return evaluate(self, x, sigma)

    monkeypatch.setattr(UNetDenoiser, "__call__", counted)
    return seen


def test_a_model_s_card_is_made_beside_it_and_predictions_use_it(
    model: Path, files: list[Path], tmp_path: Path, calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate, first = UNetDenoiser.__call__, 20

    def tired(self: UNetDenoiser, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        if len(calls) == first:
            raise RuntimeError("the power failed")
        return evaluate(self, x, sigma)

    common: dict[str, Any] = {"store": tmp_path / "store", "plan": PLAN, "progress": False}
    with monkeypatch.context() as patched:
        patched.setattr(UNetDenoiser, "__call__", tired)
        with pytest.raises(RuntimeError, match="power"):
            calibrate_model(str(model), files, **common)
    assert not (model / "card.json").exists()
    card = calibrate_model(str(model), files, **common)
    measured = len(calls)
    again = calibrate_model(str(model), files, out=tmp_path / "again" / "card.json", **common)
    assert len(calls) == measured > first
    assert (tmp_path / "again" / "card.json").read_bytes() == (model / "card.json").read_bytes()
    assert read_card(model).to_dict() == card.to_dict() == again.to_dict()

    told = card.provenance["constants"]
    assert told["photographs"] == [path.name for path in files]
    assert (card.name, card.channels, told["longer_side"], told["scale"]) == ("mine", 1, 28, 3.0)
    assert told["precision"] == "float32" and str(tmp_path) not in (model / "card.json").read_text()
    assert card.schedule == load_card("fashion").schedule

    sr = DiffSR.from_pretrained(str(model), device="cpu")
    lr = shipped_test().images[7, ::2, ::2]
    for settings in (QUICK, TWO):
        for metric in METRICS:
            for level in ("closed_form", "spectral"):
                found = sr.predict(2.0, lr, level=level, metric=metric, **settings)
                assert sr.schedule.t_min <= found.t_opt <= sr.schedule.t_max and found.level == level
        for metric in ("feature_distance", "ssim", "psnr_rgb"):
            found = sr.predict(2.0, lr, metric=metric, **settings)
            assert found.level == "model_aware" and np.isfinite(found.t_opt)
    assert sr.upscale(lr, 2.0, **QUICK).image.shape == (28, 28)


def test_the_card_of_a_model_that_is_not_one_s_own_is_not_touched(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = data_path("models", "fashion", "card.json")
    before = shipped.read_bytes()
    monkeypatch.chdir(tmp_path)
    plan = replace(PLAN, samplers=(QUICK,), calibrated=(QUICK,))
    card = calibrate_model("fashion", files[:2], plan=plan, seeds=[3], precision="bfloat16", progress=False)
    assert read_card(tmp_path).to_dict() == card.to_dict() and shipped.read_bytes() == before
    assert card.name == "fashion" and card.description == load_card("fashion").description
    told = card.provenance["responses"]
    assert (told["precision"], told["seeds"]) == ("bfloat16", [3])


def test_what_cannot_be_done_is_refused_before_the_work(
    model: Path, files: list[Path], tmp_path: Path, calls: list[int]
) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(files[0], tmp_path / "other" / files[0].name)
    with pytest.raises(ImageError, match=r"two pictures are named 'picture0\.png'"):
        calibrate_model(str(model), [*files, tmp_path / "other" / files[0].name], progress=False)
    with pytest.raises(OutputError, match="other"):
        calibrate_model(str(model), files, out=tmp_path / "other", progress=False)
    with pytest.raises(OutputError, match="cannot be made"):
        calibrate_model(str(model), files, out=files[0] / "card.json", progress=False)
    with pytest.raises(ModelError, match=r"'float16'.*float32"):
        calibrate_model(str(model), files, precision="float16", progress=False)
    with pytest.raises(ImageError, match="does not exist"):
        calibrate_model(str(model), [tmp_path / "none.png", *files], progress=False)
    assert calls == []
