from __future__ import annotations

import pytest
import torch

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.prediction import (
    calibration,
    constant,
    field,
    image_spectrum,
    predict,
    reference_spectrum,
)
from theory.prf import PRF
from theory.schedule import NoiseSchedule
from theory.transfer import Degradation

SCHEDULE = NoiseSchedule.linear()


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_has_a_positive_constant(metric: str, samples: int) -> None:
    assert 0 < constant(metric, samples) < 1e3


def test_an_unknown_metric_is_named_with_the_choices() -> None:
    with pytest.raises(ToolkitError, match=r"'sharpness'.*feature_distance"):
        constant("sharpness")


def test_the_calibration_says_where_it_comes_from() -> None:
    provenance = calibration()["provenance"]
    assert provenance["scale"] > 1 and len(provenance["photographs"]) >= 10
    assert not any("astronaut" in name or "chelsea" in name for name in provenance["photographs"])


def test_without_an_image_the_reference_spectrum_speaks() -> None:
    eps = calibration()["eps_realism"]
    prf = PRF(SCHEDULE, reference_spectrum(), c=constant("ssim"), eps_realism=eps, metric="ssim")
    expected = prf.predict(3.0)
    assert predict(SCHEDULE, 3.0, metric="ssim") == expected


def test_an_image_brings_its_own_spectrum() -> None:
    lr = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0)) * 2 - 1
    spectrum = image_spectrum(lr, (2.0, 2.0))
    assert spectrum != reference_spectrum()
    assert predict(SCHEDULE, 2.0, lr) == field(SCHEDULE, spectrum).predict((2.0, 2.0))


@pytest.mark.parametrize("lr", [torch.zeros(3, 40, 40), torch.rand(3, 3, 3)], ids=["flat", "tiny"])
def test_an_image_without_a_spectrum_gets_the_reference(lr: torch.Tensor) -> None:
    assert image_spectrum(lr, (2.0, 2.0)) == reference_spectrum()


def test_an_unknown_degradation_is_refused() -> None:
    with pytest.raises(ToolkitError, match="'motion'"):
        predict(SCHEDULE, 2.0, degradation="motion")


def test_blur_is_answered_at_the_spectral_level_and_asks_for_more_noise() -> None:
    plain = predict(SCHEDULE, 2.0, level="spectral", samples=2)
    blurred = predict(SCHEDULE, 2.0, degradation=Degradation(blur_sigma=2.0), samples=2)
    assert blurred.level == "spectral"
    assert blurred.t_opt > plain.t_opt


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("scale", [1.3, 2.0, 2.7, 4.0, 6.0])
def test_the_calibrated_optimum_lies_inside_its_field(scale: float, samples: int) -> None:
    prediction = predict(SCHEDULE, scale, samples=samples)
    assert prediction.is_open
    assert prediction.t_low <= prediction.t_opt <= prediction.t_high
