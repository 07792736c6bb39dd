"""The power law behind blur, noise and compression: not fooled by them, and as unsure as they leave it."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.fields import PHOTOGRAPHS, degraded, photograph
from theory.degradation import BICUBIC, Degradation
from theory.spectra import PowerLaw, fit_power_law_from_lr, fit_spectrum, radial_psd

HIDING = (Degradation(noise_std=0.05), Degradation(2.5), Degradation(2.5, 0.02), Degradation(jpeg_quality=50))


@pytest.mark.parametrize("degradation", HIDING, ids=str)
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_known_degradation_does_not_fool_the_spectrum(name, degradation):
    hr = photograph(name)
    lr, truth = degraded(hr, 2, degradation), np.log(radial_psd(hr)(0.25))
    corrected = fit_spectrum(lr, 2.0, degradation)
    error, naive = np.log(corrected(0.25)) - truth, np.log(fit_power_law_from_lr(lr, 2.0)(0.25)) - truth
    assert abs(error) < 1.4
    if degradation.jpeg_quality is None:
        assert abs(error) < abs(naive)
    assert 0 < corrected.exponent_std < 1 and 0 < float(corrected.log_std(0.25)) < 2


def test_an_uncertain_blur_makes_an_uncertain_spectrum():
    lr = degraded(photograph("astronaut"), 2, Degradation(2.0))
    sure, unsure = (fit_spectrum(lr, 2.0, Degradation(2.0), std) for std in (0.0, 0.3))
    assert unsure(0.25) == sure(0.25)
    assert unsure.log_std(0.25) > 2 * sure.log_std(0.25)


def test_bicubic_spectrum_is_the_plain_fit():
    lr = degraded(photograph("coffee"), 3, BICUBIC)
    assert fit_spectrum(lr, 3.0) == fit_power_law_from_lr(lr, 3.0)


@pytest.mark.parametrize("exponent", [2.0, 2.6, 3.0])
def test_known_law_is_recovered_through_blur_and_noise(make_field, exponent):
    law, degradation = PowerLaw(6e-4, exponent), Degradation(1.5, 0.02)
    fits = [
        fit_spectrum(
            degraded(make_field(law, (256, 256), np.random.default_rng(seed))[None], 2, degradation),
            2.0,
            degradation,
        )
        for seed in range(4)
    ]
    assert np.mean([fit.exponent for fit in fits]) == pytest.approx(exponent, abs=0.3)
    logs = [float(np.log(fit(0.1) / law(0.1))) for fit in fits]
    assert np.mean(logs) == pytest.approx(0, abs=0.4)
