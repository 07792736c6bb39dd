"""Predictions from a card: what speaks when, at which level, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from diffsr_toolkit import PAIR, DiffSR, Predictor, SamplingSettings
from diffsr_toolkit.errors import TimestepError, ToolkitError
from diffsr_toolkit.images import degrade_with
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.models import ModelCard, load_card, settings_of
from diffsr_toolkit.prediction import has_sensitivity, sensitivity
from theory.degradation import Degradation
from theory.prf import BANDS, PRF, ModelAware, OnPaper

CARD = load_card("embedded")
SCHEDULE = CARD.schedule
SINGLE = SamplingSettings()
MEASURED = [settings_of(response) for response in CARD.responses]
CALIBRATED = [settings_of(constants) for constants in CARD.constants]

every_measured = pytest.mark.parametrize("settings", MEASURED, ids=str)
every_calibrated = pytest.mark.parametrize("settings", CALIBRATED, ids=str)


@pytest.fixture
def predictor() -> Predictor:
    return Predictor(SCHEDULE, CARD)


def without_responses() -> Predictor:
    return Predictor(SCHEDULE, replace(CARD, responses=()))


def restorer(card: ModelCard = CARD) -> DiffSR:
    """The embedded model's card without its weights: predictions evaluate no network."""

    def refuse(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        raise AssertionError("a prediction evaluated the network")

    return DiffSR(refuse, SCHEDULE, channels=3, card=card)


def test_without_an_image_the_card_s_spectrum_speaks() -> None:
    constants = CARD.constants_for(SINGLE).of("ssim")
    prf = PRF(SCHEDULE, CARD.spectrum, OnPaper(c=constants["c"]), eps_realism=CARD.eps_realism, metric="ssim")
    assert without_responses().predict(3.0, metric="ssim") == prf.predict(3.0)


def test_an_image_brings_its_own_spectrum(predictor: Predictor) -> None:
    lr = np.random.default_rng(0).uniform(-1, 1, (3, 40, 40))
    own, spectrum = predictor.image_spectrum(lr, 2.0), predictor.expected_spectrum(lr, 2.0)
    assert spectrum == predictor.pooled(own) != CARD.spectrum
    assert 0 < CARD.image_share < 1 and spectrum == own.pooled(CARD.spectrum, CARD.image_share)
    assert predictor.predict(2.0, lr) == predictor.field(spectrum).predict((2.0, 2.0))


@pytest.mark.parametrize("lr", [np.zeros((3, 40, 40)), np.random.default_rng(0).random((3, 3, 3))])
def test_an_image_without_a_spectrum_gets_the_card_s(predictor: Predictor, lr: np.ndarray) -> None:
    assert predictor.image_spectrum(lr, 2.0) == CARD.spectrum


def test_a_model_s_own_pictures_speak_for_it() -> None:
    fashion, photographs = load_card("fashion"), load_card("embedded")
    assert fashion.spectrum != photographs.spectrum
    own, foreign = (
        Predictor(fashion.schedule, card).predict(2.0, level="closed_form") for card in (fashion, photographs)
    )
    # Fashion pictures have 9 times the power at this cut-off, so the noise that drowns it is 3 times as strong.
    assert own.t_opt > 3 * foreign.t_opt
    assert own.snr_opt * float(fashion.spectrum(0.25)) == pytest.approx(
        fashion.constants_for(SINGLE).of("feature_distance")["c"]
    )


def test_an_unknown_degradation_is_refused(predictor: Predictor) -> None:
    with pytest.raises(ToolkitError, match="'motion'"):
        predictor.predict(2.0, degradation="motion")


def test_blur_is_answered_at_the_spectral_level_and_asks_for_more_noise(predictor: Predictor) -> None:
    plain = predictor.predict(2.0, level="spectral", settings=PAIR)
    blurred = predictor.predict(2.0, degradation=Degradation(blur_sigma=2.0), settings=PAIR)
    assert blurred.level == "spectral" and predictor.predict(2.0).level == "model_aware"
    assert blurred.t_opt > plain.t_opt


def test_auto_is_told_from_the_image_and_said(predictor: Predictor) -> None:
    hr = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8
    smooth = torch.nn.functional.interpolate(hr[None], size=(192, 192), mode="bicubic")[0].clamp(-1, 1)
    noisy = degrade_with(smooth, 2.0, Degradation(noise_std=0.05))
    found = predictor.predict(2.0, noisy, "auto")
    assert found.level == "spectral" and "noise of 0.05 +-" in found.explanation
    assert predictor.predict(2.0, noisy, "auto") == found
    small = predictor.predict(2.0, noisy[:, :20, :20], "auto")
    assert "too small or too flat" in small.explanation
    with pytest.raises(ToolkitError, match="give one"):
        predictor.predict(2.0, degradation="auto")


def test_compression_is_answered_at_the_spectral_level(predictor: Predictor) -> None:
    coarse, fine = (predictor.predict(2.0, degradation=Degradation(jpeg_quality=q)) for q in (20, 95))
    assert coarse.level == "spectral"
    assert coarse.t_opt != fine.t_opt


@every_calibrated
@pytest.mark.parametrize("scale", [1.3, 2.0, 2.7, 4.0, 6.0])
def test_the_calibrated_optimum_lies_inside_its_field(scale: float, settings: SamplingSettings) -> None:
    prediction = without_responses().predict(scale, settings=settings)
    assert prediction.is_open
    assert prediction.t_low <= prediction.t_opt <= prediction.t_high


@every_measured
def test_the_embedded_model_s_response_is_complete_and_plausible(settings: SamplingSettings) -> None:
    response = CARD.matching_response(settings)
    assert response.model == "embedded" and response.scales[0] < 2 and response.scales[-1] >= 6
    assert response.ratios[0] < 0.1 and response.ratios[-1] > 100
    for scale in (1.0, 1.3, 2.7, 4.0, 9.0):
        gain, power, lr_up = response.at_scale(scale)
        assert np.isfinite(gain).all() and np.isfinite(power).all() and np.isfinite(lr_up).all()
        # Cauchy and Schwarz, to the four decimals of the file.
        assert np.all(power >= gain**2 - 1e-3) and np.all(lr_up >= -1e-3)
        slow, missing = BANDS[1:] <= 0.5, BANDS[:-1] >= 2
        assert np.all(np.abs(gain[:, missing]) < 0.4)
        assert not settings.consistency or np.all(gain[:, slow] > 0.9)
        assert np.all(lr_up[slow] > 0.8) and np.all(lr_up[missing] < 0.2)
    assert 0 < response.spread < 0.1


@pytest.mark.parametrize("scale", [1.0, 1.3, 2.0, 4.0, 8.0, (2.0, 4.0)])
@pytest.mark.parametrize("metric", METRICS)
@every_measured
def test_every_metric_is_answered_at_the_model_aware_level_or_refused_clearly(
    predictor: Predictor, settings: SamplingSettings, metric: str, scale: Any
) -> None:
    options: dict[str, Any] = {"metric": metric, "settings": settings}
    if not has_sensitivity(metric):
        assert metric == "lr_psnr"
        with pytest.raises(ToolkitError, match=r"'lr_psnr' has no measured sensitivity.*feature_distance"):
            predictor.predict(scale, level="model_aware", **options)
        assert predictor.predict(scale, **options).level == "closed_form"
        return
    found = predictor.predict(scale, level="model_aware", **options)
    assert found == predictor.predict(scale, **options)
    assert found.level == "model_aware" and found.metric == metric
    assert SCHEDULE.t_min <= found.t_opt <= SCHEDULE.t_max
    low, high = found.t_opt_interval
    assert low <= found.t_opt <= high
    assert (scale == 1.0) == ("nothing is missing" in found.explanation)


@every_calibrated
def test_the_levels_agree_where_their_constants_were_solved_for(
    predictor: Predictor, settings: SamplingSettings
) -> None:
    """At the calibration's scale, on the reference spectrum, for the metric whose constant is no edge of a sweep."""
    scale, metric = float(CARD.provenance["constants"]["scale"]), "feature_distance"
    constants = CARD.constants_for(settings).of(metric)
    assert not constants["at_edge"]
    exact = predictor.predict(scale, level="closed_form", metric=metric, settings=settings)
    spectral = predictor.predict(scale, level="spectral", metric=metric, settings=settings)
    # Constants are kept to five decimals.
    assert spectral.snr_opt == pytest.approx(exact.snr_opt, rel=0.01)
    aware = predictor.predict(scale, level="model_aware", metric=metric, settings=settings)
    assert aware.t_opt == pytest.approx(exact.t_opt, rel=0.1)
    # The optimum may jump between two wells, so the constant is the one whose neighbours lie on either side.
    response, charges = CARD.matching_response(settings), sensitivity(metric, constants["excess"])
    sides = [
        PRF(SCHEDULE, CARD.spectrum, ModelAware(response, replace(charges, excess=excess)))
        for excess in (0.99 * charges.excess, 1.01 * charges.excess)
    ]
    low, high = (prf.predict(scale).snr_opt for prf in sides)
    assert low < exact.snr_opt < high


def test_unknown_metrics_are_refused_at_every_level(predictor: Predictor) -> None:
    for level in (None, "closed_form", "spectral", "model_aware"):
        with pytest.raises(ToolkitError, match="sharpness"):
            predictor.predict(2.0, level=level, metric="sharpness")  # type: ignore[arg-type]


def test_a_response_that_was_not_measured_is_an_error_only_where_it_was_asked_for() -> None:
    bare = DiffSR(lambda x, sigma: x, SCHEDULE)
    assert bare.card.responses == () and bare.predict(2.0).level == "closed_form"
    with pytest.raises(ToolkitError, match=r"0 responses of 'custom'.*'spectral'"):
        bare.predict(2.0, level="model_aware")


def test_the_sampler_s_keywords_are_taken_and_checked() -> None:
    sr = restorer()
    assert sr.predict(2.7, **PAIR) == sr.predict(2.7, steps=5, samples=2, eta=1.0)
    assert sr.predict(2.7, **PAIR).t_opt != sr.predict(2.7).t_opt
    for bad in ({"samples": 0}, {"eta": 2}, {"steps": 1.5}, {"spacing": "even"}, {"consistency": "no"}):
        with pytest.raises(TimestepError, match=next(iter(bad))):
            sr.predict(2.0, **bad)


@pytest.mark.parametrize("scale", [2.0, 4.0])
def test_ddim_and_ddpm_have_optima_of_their_own(predictor: Predictor, scale: float) -> None:
    optima = {eta: predictor.predict(scale, settings=SamplingSettings(eta=eta)) for eta in (0.0, 1.0)}
    assert {found.level for found in optima.values()} == {"model_aware"}
    assert optima[0.0].t_opt != optima[1.0].t_opt


def test_upscaling_injects_where_its_own_sampler_is_best() -> None:
    lr = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1
    sr = DiffSR(lambda x, sigma: 0.9 * x, SCHEDULE, channels=3, card=CARD)
    used = []
    for settings in MEASURED:
        cheap = replace(settings, steps=2)
        out = sr.upscale(lr, 2, **cheap)
        expected = sr.predict(2.0, lr, **cheap)
        assert out.t == expected.t_opt and out.prediction == expected
        used.append(out.t)
    assert len(set(used)) == len(used)


def test_a_prediction_does_not_compute_the_critical_scale(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(prf: PRF) -> float:
        raise AssertionError("the critical scale was computed")

    monkeypatch.setattr(PRF, "critical_scale", property(refuse))
    for level in ("closed_form", "spectral", "model_aware"):
        assert predictor.predict(4.0, level=level).t_opt > 0  # type: ignore[arg-type]
