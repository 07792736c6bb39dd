"""Fitted power laws: known ones recovered within their errors, from the image and from its LR version alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.fields import PHOTOGRAPHS, photograph
from theory.degradation import cubic_weights
from theory.errors import ScaleError, SpectrumError
from theory.spectra import PowerLaw, RadialPSD, fit_power_law, fit_power_law_from_lr, radial_psd


def downsample(image, scale):
    height, width = image.shape[-2:]
    h, w = round(height / scale), round(width / scale)
    return cubic_weights(height, h) @ image @ cubic_weights(width, w).T, (height / h, width / w)


def test_white_noise_has_a_flat_law():
    law = fit_power_law(0.3 * np.random.default_rng(0).standard_normal((256, 256)))
    assert law.exponent == pytest.approx(0, abs=4 * law.exponent_std)
    assert law.amplitude == pytest.approx(0.09, rel=0.15)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("shape", [(256, 256), (128, 160)])
def test_known_law_is_recovered_within_its_errors(make_field, exponent, shape):
    truth = PowerLaw(1e-3, exponent)
    fits = [fit_power_law(make_field(truth, shape, np.random.default_rng(seed))) for seed in range(12)]
    exponents = np.array([fit.exponent for fit in fits])
    logs = np.log([fit.amplitude for fit in fits])
    assert np.mean(exponents) == pytest.approx(exponent, abs=0.06)
    assert np.mean(logs) == pytest.approx(np.log(1e-3), abs=0.08)
    reported = np.mean([fit.exponent_std for fit in fits])
    assert 0.5 < np.std(exponents) / reported < 2


@pytest.mark.parametrize("scale", [1.0, 2.0, 2.7, 4.0])
def test_lr_alone_recovers_a_known_law(make_field, scale):
    truth = PowerLaw(1e-3, 2.5)
    hr = make_field(truth, (256, 240), np.random.default_rng(7))
    fit = fit_power_law_from_lr(*downsample(hr, scale))
    cutoff = 0.5 / scale
    assert fit.exponent == pytest.approx(2.5, abs=0.25)
    assert float(fit(cutoff)) == pytest.approx(float(truth(cutoff)), rel=0.2)


def test_lr_alone_with_unequal_scales(make_field):
    truth = PowerLaw(1e-3, 2.5)
    hr = make_field(truth, (256, 256), np.random.default_rng(3))
    lr = cubic_weights(256, 128) @ hr @ cubic_weights(256, 64).T
    fit = fit_power_law_from_lr(lr, (2.0, 4.0))
    assert float(fit(0.15)) == pytest.approx(float(truth(0.15)), rel=0.2)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("scale", [2.0, 3.0, 4.0, 6.0])
def test_lr_alone_tells_the_power_at_the_cutoff_of_photographs(name, scale):
    # Within a factor of 1.65, that is within 1.28 in the predicted sigma.
    hr = photograph(name)
    fit = fit_power_law_from_lr(*downsample(hr, scale))
    error = np.log(fit(0.5 / scale) / radial_psd(hr)(0.5 / scale))
    assert abs(error) < 0.5


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_follow_a_steep_law(name):
    assert 1.5 < fit_power_law(photograph(name)).exponent < 3.5


@settings(deadline=None, max_examples=25)
@given(gain=st.floats(1e-2, 1), seed=st.integers(0, 10**6))
def test_a_louder_image_has_a_louder_law(gain, seed):
    image = np.random.default_rng(seed).uniform(-1, 1, (24, 31))
    law, louder = fit_power_law(image), fit_power_law(gain * image)
    assert louder.exponent == pytest.approx(law.exponent, rel=1e-6, abs=1e-9)
    assert louder.amplitude == pytest.approx(gain**2 * law.amplitude, rel=1e-6)


def test_smallest_lr_is_enough():
    lr = np.random.default_rng(0).uniform(-1, 1, (3, 8, 8))
    assert np.isfinite(fit_power_law_from_lr(lr, 4.0).exponent)


def test_a_measured_spectrum_can_be_fitted():
    image = photograph("camera")
    assert fit_power_law(radial_psd(image)) == fit_power_law(image)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((7, 64)), "7 x 64 pixels.*at least 8"),
        (np.zeros((16, 16)), "constant"),
        (np.full((16, 16), np.nan), "nan or inf"),
        (np.where(np.eye(16) > 0, np.inf, 0), "nan or inf"),
        (np.zeros(16), r"shape \(16,\)"),
        (np.zeros((1, 1, 16, 16)), r"shape \(1, 1, 16, 16\)"),
    ],
)
@pytest.mark.parametrize("measure", [radial_psd, fit_power_law, lambda x: fit_power_law_from_lr(x, 2.0)])
def test_what_has_no_spectrum_is_refused(image, message, measure):
    with pytest.raises(SpectrumError, match=message):
        measure(image)


def test_a_range_without_rings_is_refused():
    with pytest.raises(SpectrumError, match=r"rings lie in .*Widen"):
        fit_power_law(photograph("camera"), f_min=0.3, f_max=0.301)


def test_bad_scale_is_refused():
    with pytest.raises(ScaleError, match="at least 1"):
        fit_power_law_from_lr(photograph("camera"), 0.5)


RINGS = np.arange(2, 33) / 64
COUNT = np.round(2 * np.pi * RINGS * 64)
INDEPENDENT = np.maximum(0.27 * COUNT / 2, 1.0)
"""Periodogram values that the fit takes a ring to hold: the window's share of one half of the plane."""


def test_the_error_of_the_fitted_law_is_that_of_a_weighted_line():
    """Rings on the law exactly, so that the scatter does not inflate the error; numpy's covariance as the oracle."""
    law = PowerLaw(1e-3, 2.2)
    fit = fit_power_law(RadialPSD(RINGS, law(RINGS) * np.exp(-0.5 / INDEPENDENT), COUNT))
    (slope, intercept), covariance = np.polyfit(
        np.log(RINGS), np.log(law(RINGS)), 1, w=np.sqrt(INDEPENDENT), cov="unscaled"
    )
    assert (fit.exponent, fit.amplitude) == (pytest.approx(-slope), pytest.approx(np.exp(intercept)))
    f = np.geomspace(0.01, 1, 30)
    line = np.stack([np.log(f), np.ones_like(f)])
    expected = np.sqrt(np.einsum("in,ij,jn->n", line, covariance, line))
    np.testing.assert_allclose(fit.log_std(f), expected, rtol=1e-6)
    assert fit.log_std(1.0) == pytest.approx(fit.amplitude_log_std)
    assert f[np.argmin(fit.log_std(f))] == pytest.approx(fit.pivot, rel=0.1)


def test_the_error_is_the_scatter_of_many_fits():
    """600 spectra of rings averaged over `INDEPENDENT` exponential values; the standard error's own is 3 %."""
    law, rng = PowerLaw(1e-3, 2.2), np.random.default_rng(3)
    noisy = law(RINGS) * rng.gamma(INDEPENDENT, 1 / INDEPENDENT, (600, len(RINGS)))
    fits = [fit_power_law(RadialPSD(RINGS, psd, COUNT)) for psd in noisy]
    for f in (0.02, 0.1, fits[0].pivot, 0.7):
        scatter = np.std([np.log(fit(f)) for fit in fits])
        # Inflating by chi^2 only where it exceeds 1 makes the reported error about 6 % too careful.
        assert np.mean([fit.log_std(f) for fit in fits]) == pytest.approx(1.06 * scatter, rel=0.1)
