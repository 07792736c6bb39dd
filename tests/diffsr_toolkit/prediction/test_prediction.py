from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from diffsr_toolkit import DiffSR
from diffsr_toolkit.images import degrade_with
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.prediction import (
    calibration,
    constant,
    expected_spectrum,
    field,
    has_sensitivity,
    image_spectrum,
    level_constants,
    pooled,
    predict,
    reference_spectrum,
    sensitivity,
)
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.calibration import matching_response, stored_responses
from theory.prf import BANDS
from theory.prf import PRF
from theory.schedules import NoiseSchedule
from theory.degradation import Degradation

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
    own, spectrum = image_spectrum(lr, (2.0, 2.0)), expected_spectrum(lr, (2.0, 2.0))
    assert spectrum == pooled(own) != reference_spectrum()
    share = calibration()["image_share"]["share"]
    assert 0 < share < 1 and spectrum == own.pooled(reference_spectrum(), share)
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


def test_auto_is_told_from_the_image_and_said() -> None:
    hr = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8
    smooth = torch.nn.functional.interpolate(hr[None], size=(192, 192), mode="bicubic")[0].clamp(-1, 1)
    noisy = degrade_with(smooth, 2.0, Degradation(noise_std=0.05))
    found = predict(SCHEDULE, 2.0, noisy, degradation="auto")
    assert found.level == "spectral" and "noise of 0.05 +-" in found.explanation
    assert predict(SCHEDULE, 2.0, noisy, degradation="auto") == found
    small = predict(SCHEDULE, 2.0, noisy[:, :20, :20], degradation="auto")
    assert "too small or too flat" in small.explanation
    with pytest.raises(ToolkitError, match="give one"):
        predict(SCHEDULE, 2.0, degradation="auto")


def test_compression_is_answered_at_the_spectral_level() -> None:
    coarse, fine = (predict(SCHEDULE, 2.0, degradation=Degradation(jpeg_quality=q)) for q in (20, 95))
    assert coarse.level == "spectral"
    assert coarse.t_opt != fine.t_opt


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("scale", [1.3, 2.0, 2.7, 4.0, 6.0])
def test_the_calibrated_optimum_lies_inside_its_field(scale: float, samples: int) -> None:
    prediction = predict(SCHEDULE, scale, samples=samples)
    assert prediction.is_open
    assert prediction.t_low <= prediction.t_opt <= prediction.t_high


RESPONSES = stored_responses(data_path("models", "embedded"))
SAMPLERS = [(1, True), (2, True)]
every_sampler = pytest.mark.parametrize(("samples", "consistency"), SAMPLERS)


def restorer() -> DiffSR:
    """The embedded model's responses without its weights: predictions evaluate no network."""

    def refuse(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        raise AssertionError("a prediction evaluated the network")

    return DiffSR(refuse, SCHEDULE, channels=3, responses=RESPONSES)


@every_sampler
def test_the_embedded_model_s_response_is_complete_and_plausible(samples: int, consistency: bool) -> None:
    response = matching_response(RESPONSES, samples, consistency)
    assert response.model == "embedded" and response.scales[0] < 2 and response.scales[-1] >= 6
    assert response.ratios[0] < 0.1 and response.ratios[-1] > 100
    for scale in (1.0, 1.3, 2.7, 4.0, 9.0):
        gain, power, lr_up = response.at_scale(scale)
        assert np.isfinite(gain).all() and np.isfinite(power).all() and np.isfinite(lr_up).all()
        # Cauchy and Schwarz, to the four decimals of the file.
        assert np.all(power >= gain**2 - 1e-3) and np.all(lr_up >= -1e-3)
        slow, missing = BANDS[1:] <= 0.5, BANDS[:-1] >= 2
        assert np.all(gain[:, slow] > 0.9) and np.all(np.abs(gain[:, missing]) < 0.4)
        assert np.all(lr_up[slow] > 0.8) and np.all(lr_up[missing] < 0.2)
    assert 0 < response.spread < 0.1


@pytest.mark.parametrize("scale", [1.0, 1.3, 2.0, 4.0, 8.0, (2.0, 4.0)])
@pytest.mark.parametrize("metric", METRICS)
@every_sampler
def test_every_metric_is_answered_at_the_model_aware_level_or_refused_clearly(
    samples: int, consistency: bool, metric: str, scale: Any
) -> None:
    options: dict[str, Any] = {"metric": metric, "samples": samples, "consistency": consistency}
    sr = restorer()
    if not has_sensitivity(metric):
        assert metric == "lr_psnr"
        with pytest.raises(ToolkitError, match=r"'lr_psnr' has no measured sensitivity.*feature_distance"):
            sr.predict(scale, level="model_aware", **options)
        assert sr.predict(scale, **options).level == "closed_form"
        return
    found = sr.predict(scale, level="model_aware", **options)
    assert found == sr.predict(scale, **options)
    assert found.level == "model_aware" and found.metric == metric
    assert SCHEDULE.t_min <= found.t_opt <= SCHEDULE.t_max
    low, high = found.t_opt_interval
    assert low <= found.t_opt <= high
    assert (scale == 1.0) == ("nothing is missing" in found.explanation)


@every_sampler
def test_the_levels_agree_where_their_constants_were_solved_for(samples: int, consistency: bool) -> None:
    """At the calibration's scale, on the reference spectrum, for the metric whose constant is no edge of a sweep."""
    scale = float(calibration()["provenance"]["scale"])
    known = calibration()["metrics" if samples == 1 else "metrics_averaged"]
    metric = "feature_distance"
    assert not known[metric]["at_edge"]
    sr, law = restorer(), reference_spectrum()
    exact = sr.predict(scale, level="closed_form", metric=metric, samples=samples)
    spectral = sr.predict(scale, level="spectral", metric=metric, samples=samples)
    # Constants are kept to five decimals.
    assert spectral.snr_opt == pytest.approx(exact.snr_opt, rel=0.01)
    aware = sr.predict(scale, level="model_aware", metric=metric, samples=samples)
    assert aware.t_opt == pytest.approx(exact.t_opt, rel=0.1)
    # The optimum may jump between two wells, so the constant is the one whose neighbours lie on either side.
    response, charges = matching_response(RESPONSES, samples, consistency), sensitivity(metric, samples)
    sides = [
        PRF(
            SCHEDULE, law, level="model_aware", response=response, sensitivity=replace(charges, excess=excess)
        )
        for excess in (0.99 * charges.excess, 1.01 * charges.excess)
    ]
    low, high = (prf.predict(scale).snr_opt for prf in sides)
    assert low < exact.snr_opt < high


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("samples", [1, 2])
def test_every_metric_has_constants_at_every_level(metric: str, samples: int) -> None:
    constants = level_constants(metric, samples)
    assert set(constants) == {"weight", "excess", "agrees"}
    assert constants["weight"] > 0 and constants["excess"] > 0
    if has_sensitivity(metric):
        charges = sensitivity(metric, samples)
        assert charges.is_relative != metric.startswith("psnr") and charges.metric == metric
        assert charges.excess == (constants["excess"] if charges.is_relative else 1.0)


def test_unknown_metrics_are_refused_at_every_level() -> None:
    for level in (None, "closed_form", "spectral", "model_aware"):
        with pytest.raises(ToolkitError, match="sharpness"):
            restorer().predict(2.0, level=level, metric="sharpness")  # type: ignore[arg-type]
    with pytest.raises(ToolkitError, match="sharpness"):
        level_constants("sharpness")


def test_a_response_that_was_not_measured_is_an_error_only_where_it_was_asked_for() -> None:
    bare = DiffSR(lambda x, sigma: x, SCHEDULE)
    assert bare.responses == () and bare.predict(2.0).level == "closed_form"
    with pytest.raises(ToolkitError, match=r"0 responses of this model.*'spectral'"):
        bare.predict(2.0, level="model_aware")


def test_what_happened_besides_the_kernel_is_answered_at_the_spectral_level() -> None:
    blurred = restorer().predict(2.0, degradation=Degradation(blur_sigma=2.0))
    assert blurred.level == "spectral" and restorer().predict(2.0).level == "model_aware"
    with pytest.raises(ToolkitError, match="samples"):
        restorer().predict(2.0, samples=0)


def test_upscaling_injects_where_its_own_sampler_is_best() -> None:
    lr = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1
    sr = DiffSR(lambda x, sigma: 0.9 * x, SCHEDULE, channels=3, responses=RESPONSES)
    used = {}
    for samples, consistency in SAMPLERS:
        out = sr.upscale(lr, 2, steps=2, samples=samples, consistency=consistency)
        expected = sr.predict(2.0, lr, samples=samples, consistency=consistency)
        assert out.t == expected.t_opt and out.prediction == expected
        used[samples] = out.t
    assert used[1] != used[2]


def test_a_prediction_does_not_compute_the_critical_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(prf: PRF) -> float:
        raise AssertionError("the critical scale was computed")

    monkeypatch.setattr(PRF, "critical_scale", property(refuse))
    for level in ("closed_form", "spectral", "model_aware"):
        assert restorer().predict(4.0, level=level).t_opt > 0  # type: ignore[arg-type]
