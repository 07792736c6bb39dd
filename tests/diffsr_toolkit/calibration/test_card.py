"""Making a card: from pictures of any size and channels, resumed where it stopped, refused before the work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diffsr_toolkit.calibration import SAMPLERS, CalibrationPlan, calibration_scale, levels, make_card
from diffsr_toolkit.datasets import NamedImage
from diffsr_toolkit.errors import ScaleError, SpectrumError, StoreError, ToolkitError
from diffsr_toolkit.metrics import FeatureDistance
from diffsr_toolkit.models import load_card, read_card, reference_card, save_card, settings_of
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.settings import PAIR, SamplingSettings
from helpers.calibration import LINEAR, field_picture
from theory.prf import ModelResponse
from theory.spectra import fit_power_law

QUICK, TWO = SamplingSettings(steps=1), SamplingSettings(steps=1, samples=2, eta=1.0)
SMALL = CalibrationPlan(
    samplers=(QUICK, TWO),
    calibrated=(QUICK, TWO),
    scales=(1.5, 2.0, 6.0),
    ratios=(0.25, 4.0),
    candidates=(0.125, 1.0, 8.0, 64.0),
    noise_levels=(0.05, 0.2, 1e4),
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests measure takes no time here: deep features, and the search for weight and excess."""
    monkeypatch.setattr(FeatureDistance, "__call__", lambda self, x, y: (x - y).abs().mean((1, 2, 3)))
    monkeypatch.setattr(levels, "spectral_weight", lambda *_: 2.0)
    monkeypatch.setattr(levels, "model_excess", lambda *_: 1.5)


class Shrink:
    """A denoiser that counts its calls, and stops after `limit`."""

    sigma_max = 1e3

    def __init__(self, limit: float = np.inf) -> None:
        self.calls, self.limit = 0, limit

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        if self.calls >= self.limit:
            raise KeyboardInterrupt
        self.calls += 1
        return x / (1 + sigma.view(-1, 1, 1, 1) ** 2)


def restorer(denoiser: Any, channels: int | None = None, name: str = "toy") -> DiffusionRestorer:
    return DiffusionRestorer(denoiser, LINEAR, channels=channels, name=name)


def pictures(count: int, side: int = 24, channels: int = 1) -> dict[str, torch.Tensor]:
    return {
        f"p{seed}": (0.5 * field_picture((side, side + 4), seed, channels=channels)).clamp(-1, 1)
        for seed in range(count)
    }


def plain(card: Any) -> dict[str, Any]:
    return card.to_dict()


def test_by_default_the_samplers_of_the_toolkit_are_measured() -> None:
    single = SamplingSettings()
    assert CalibrationPlan().samplers == SAMPLERS
    assert CalibrationPlan().calibrated == (single, PAIR)
    # A default calibration asks for what the shipped card holds.
    assert set(SAMPLERS) == {settings_of(response) for response in load_card("embedded").responses}


def test_an_interrupted_calibration_goes_on_and_a_finished_one_asks_no_network(tmp_path: Path) -> None:
    images, done = pictures(3), Shrink()
    whole = make_card(restorer(done), images, plan=SMALL, progress=False)
    calls = 0
    for share in (0.3, 0.7):
        stopped = Shrink(limit=share * done.calls - calls)
        with pytest.raises(KeyboardInterrupt):
            make_card(restorer(stopped), images, store=tmp_path, plan=SMALL, progress=False)
        calls += stopped.calls
    last = Shrink()
    card = make_card(restorer(last), images, store=tmp_path, plan=SMALL, progress=False)
    # What an interruption cost is the step it fell into.
    assert 0 < last.calls < 0.45 * done.calls
    assert plain(card) == plain(whole)
    silent = Shrink(limit=0)
    assert plain(make_card(restorer(silent), images, store=tmp_path, plan=SMALL, progress=False)) == plain(
        card
    )


def test_a_store_of_another_model_is_refused(tmp_path: Path) -> None:
    make_card(restorer(Shrink()), pictures(2), store=tmp_path, plan=SMALL, progress=False)
    with pytest.raises(StoreError, match="model='toy'"):
        make_card(
            restorer(Shrink(limit=0), name="other"), pictures(2), store=tmp_path, plan=SMALL, progress=False
        )


def test_a_card_holds_what_was_measured_on_what(tmp_path: Path) -> None:
    images = pictures(2)
    card = make_card(restorer(Shrink()), images, plan=SMALL, description="a toy", progress=False)
    assert (card.name, card.description, card.channels, card.schedule) == ("toy", "a toy", None, LINEAR)
    laws = [fit_power_law(hr.numpy()) for hr in images.values()]
    assert card.spectrum.exponent == pytest.approx(np.mean([law.exponent for law in laws]))
    told = card.provenance["constants"]
    # Pixels of 24 x 28: at scale 4 a side of 6 has no spectrum, and at scale 6 no response is measured.
    assert (told["photographs"], told["longer_side"], told["scale"]) == (["p0", "p1"], 28, 3.0)
    assert [list(response.scales) for response in card.responses] == [[1.5, 2.0]] * 2
    assert [response.sampler for response in card.responses] == [QUICK.protocol(), TWO.protocol()]
    assert [constants.settings for constants in card.constants] == [QUICK, TWO]
    # Two pictures do not tell how far their own spectrum counts.
    assert card.image_share == reference_card().image_share and told["image_share"]["of"] == "embedded"
    # The level beyond what the denoiser was made for is not asked.
    assert len(card.denoising["ratios"]) == len(card.denoising["efficiency"]) > 1
    save_card(card, tmp_path / "card.json")
    assert plain(read_card(tmp_path)) == plain(card)


def test_another_seed_is_another_measurement_of_the_same_pictures() -> None:
    one = make_card(restorer(Shrink()), pictures(2), plan=SMALL, progress=False)
    other = make_card(restorer(Shrink()), pictures(2), seeds=[1], plan=SMALL, progress=False)
    both = make_card(restorer(Shrink()), pictures(2), seeds=[0, 1], plan=SMALL, progress=False)
    assert both.provenance["responses"]["seeds"] == [0, 1]

    def gain(card: Any) -> np.ndarray:
        response: ModelResponse = card.responses[0]
        return response.gain

    assert np.nanmax(np.abs(gain(one) - gain(other))) > 1e-3
    np.testing.assert_allclose(gain(both), (gain(one) + gain(other)) / 2, atol=2e-4)


@pytest.mark.parametrize(("model", "picture"), [(3, 1), (1, 3), (3, 3), (1, 1)])
def test_pictures_are_measured_in_the_model_s_channels(model: int, picture: int) -> None:
    seen = set()

    def watch(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        seen.add(x.shape[1])
        return 0.5 * x

    card = make_card(restorer(watch, model), pictures(2, channels=picture), plan=SMALL, progress=False)
    assert seen == {model} and card.channels == model
    for settings in (QUICK, TWO):
        assert Predictor(LINEAR, card).predict(2.0, settings=settings).level == "model_aware"


def test_a_metric_that_fits_no_such_picture_is_left_out() -> None:
    tiny = {name: hr[..., :10, :10] for name, hr in pictures(2).items()}
    plan = replace(SMALL, scale=1.2, scales=(1.2,))
    card = make_card(restorer(Shrink()), tiny, plan=plan, progress=False)
    whole = make_card(restorer(Shrink()), pictures(2), plan=SMALL, progress=False)
    # SSIM's window of 11 pixels does not fit.
    assert set(whole.constants[0].metrics) - set(card.constants[0].metrics) == {"ssim"}


def test_constants_are_measured_where_pictures_stay_large_enough() -> None:
    def scale(*sides: int) -> float:
        return calibration_scale([NamedImage(str(side), torch.zeros(1, 99, side)) for side in sides])

    assert [scale(side) for side in (30, 29, 23, 22, 15, 14, 12)] == [4.0, 3.0, 3.0, 2.0, 2.0, 1.5, 1.5]
    assert scale(90, 12, 60) == 1.5
    with pytest.raises(ScaleError, match=r"'9' of 99 x 9"):
        scale(40, 9)


@pytest.mark.parametrize(
    ("images", "plan", "message"),
    [
        (pictures(1), SMALL, "1 picture.*at least 2"),
        (pictures(2) | {"flat": torch.zeros(1, 24, 24)}, SMALL, "'flat'"),
        (pictures(2), replace(SMALL, scales=(6.0, 8.0)), "no low-resolution image"),
        ({name: hr[..., :10, :10] for name, hr in pictures(2).items()}, SMALL, "10 x 10"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_the_work(
    images: dict[str, torch.Tensor], plan: CalibrationPlan, message: str
) -> None:
    with pytest.raises(ToolkitError, match=message):
        make_card(restorer(Shrink(limit=0)), images, plan=plan, progress=False)


def test_a_plan_of_too_little_is_refused() -> None:
    with pytest.raises(ToolkitError, match=r"seeds=.*at least one"):
        make_card(restorer(Shrink(limit=0)), pictures(2), seeds=[], plan=SMALL, progress=False)
    with pytest.raises(ToolkitError, match=r"ratios=\(1.0,\) holds 1.*at least 2"):
        CalibrationPlan(ratios=(1.0,))


def test_a_picture_without_a_spectrum_is_named() -> None:
    with pytest.raises(SpectrumError, match="picture 'flat'"):
        make_card(
            restorer(Shrink(limit=0)),
            pictures(1) | {"flat": torch.zeros(1, 24, 24)},
            plan=SMALL,
            progress=False,
        )
