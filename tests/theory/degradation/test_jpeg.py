"""JPEG as a channel: the tables are libjpeg's, the quantiser's formulas hold, real round trips agree."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from theory.degradation import GREY_LEVELS, dct_basis, jpeg_channel, quantisation_table
from theory.degradation.jpeg import basis_power, coefficient_variances, quantised, quantised_mixture
from theory.errors import ToolkitError
from theory.spectra import PowerLaw, radial_psd


def round_trip(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


@pytest.mark.parametrize("quality", range(1, 101, 3))
def test_table_is_libjpegs(quality):
    stored = round_trip(Image.new("L", (8, 8)), quality).quantization[0]
    np.testing.assert_array_equal(quantisation_table(quality), np.reshape(stored, (8, 8)))


@pytest.mark.parametrize("quality", [0, 101])
def test_bad_quality_is_refused(quality):
    with pytest.raises(ToolkitError, match="1 to 100"):
        quantisation_table(quality)


@pytest.mark.parametrize("step", [0.3, 1.0, 3.0, 8.0])
def test_rounded_laplacian_is_as_simulated(step):
    x = np.random.default_rng(0).laplace(scale=np.sqrt(0.5), size=400_000)
    y = step * np.round(x / step)
    gain, error = quantised(1.0, step)
    assert float(gain) == pytest.approx(np.mean(x * y), abs=0.01)
    assert float(error) == pytest.approx(np.mean((y - x) ** 2), rel=0.03)


def test_mixture_is_a_laplacian_of_log_normal_variance():
    rng, spread = np.random.default_rng(1), 1.8
    variance = np.exp(spread * rng.standard_normal(800_000) - spread**2 / 2)
    x = rng.laplace(scale=np.sqrt(variance / 2))
    y = 2 * np.round(x / 2)
    gain, error = quantised_mixture(1.0, 2.0)
    assert float(error) == pytest.approx(np.mean((y - x) ** 2), rel=0.1)
    assert float(gain) == pytest.approx(np.mean(x * y) / np.mean(x**2), abs=0.08)


@settings(deadline=None, max_examples=100)
@given(variance=st.floats(1e-8, 1e4), step=st.floats(1e-4, 1e3))
def test_rounding_never_invents_and_hurts_at_most_what_was_there(variance, step):
    gain, error = quantised_mixture(variance, step)
    assert 0 <= gain <= 1.001
    assert 0 <= error <= min(variance * 1.001, step**2 / 4)
    assert quantised_mixture(variance, 2 * step)[1] >= error * (1 - 1e-6)


def test_limits_are_uniform_noise_and_loss():
    gain, error = quantised_mixture(1.0, 1e-3)
    assert float(gain) == pytest.approx(1, abs=1e-3) and float(error) == pytest.approx(1e-6 / 12, rel=1e-2)
    gain, error = quantised_mixture(1.0, 1e4)
    assert float(gain) == pytest.approx(0, abs=1e-3) and float(error) == pytest.approx(1, abs=1e-3)


def test_basis_is_orthonormal_and_shares_every_frequency_out():
    np.testing.assert_allclose(dct_basis() @ dct_basis().T, np.eye(8), atol=1e-12)
    f = np.linspace(-0.5, 0.5, 17)
    np.testing.assert_allclose(basis_power(f).sum(axis=-1), 8, rtol=1e-12)


def test_white_noise_has_equal_coefficients():
    white = coefficient_variances(lambda y, x: np.full(np.shape(y), 0.3))
    np.testing.assert_allclose(white, 0.3, rtol=5e-3)


def test_coefficients_of_a_field_have_the_predicted_variances(make_field):
    law, rng = PowerLaw(1e-3, 2.0), np.random.default_rng(2)
    measured = np.zeros((8, 8))
    for _ in range(60):
        blocks = make_field(law, (128, 128), rng).reshape(16, 8, 16, 8).transpose(0, 2, 1, 3)
        measured += np.mean((dct_basis() @ blocks @ dct_basis().T) ** 2, axis=(0, 1)) / 60
    expected = coefficient_variances(lambda y, x: law(np.hypot(y, x)))
    # The mean of a block holds frequencies that the field's own size cuts off.
    np.testing.assert_allclose(measured.ravel()[1:], expected.ravel()[1:], rtol=0.1)


@settings(deadline=None, max_examples=30)
@given(
    quality=st.integers(1, 100),
    exponent=st.floats(1.0, 3.5),
    log_a=st.floats(-12, 0),
    noise=st.floats(0, 0.1),
)
def test_channel_keeps_between_nothing_and_all(quality, exponent, log_a, noise):
    law = PowerLaw(float(np.exp(log_a)), exponent)

    def psd(y, x):
        return law(np.maximum(np.hypot(y, x), 1e-4)) + noise**2

    fy, fx = np.meshgrid(np.linspace(-0.5, 0.5, 9), np.linspace(0, 0.5, 5))
    gain, added = jpeg_channel(fy, fx, psd, quality)
    assert np.all((gain > -1e-9) & (gain < 1.001)) and np.all(added >= 0)
    worse_gain, _ = jpeg_channel(fy, fx, psd, max(quality - 10, 1))
    assert np.all(worse_gain <= gain + 1e-6)


PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "rocket")
BANDS = ((0.06, 0.125), (0.125, 0.25), (0.25, 0.5))


@pytest.fixture(scope="module")
def reduced():
    images = [Image.fromarray(getattr(data, name)()).convert("L") for name in PHOTOGRAPHS]
    return [image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC) for image in images]


@pytest.mark.parametrize("quality", [30, 50, 75, 90])
def test_error_spectrum_is_that_of_real_round_trips(reduced, quality):
    # The bands' mean over photographs within 35 %, the whole error of each photograph within a factor of 2.
    ratios, totals = [], []
    for image in reduced:
        x = np.asarray(image, dtype=np.float64) / GREY_LEVELS - 1
        y = np.asarray(round_trip(image, quality), dtype=np.float64) / GREY_LEVELS - 1
        rings = radial_psd(x)

        def psd(fy, fx, rings=rings):
            return rings(np.maximum(np.hypot(fy, fx), 1e-4))

        fy, fx = np.fft.fftfreq(x.shape[0])[::3, None], np.fft.fftfreq(x.shape[1])[None, ::3]
        gain, added = jpeg_channel(fy, fx, psd, quality)
        expected, radius = (1 - gain) ** 2 * psd(fy, fx) + added, np.hypot(fy, fx)
        measured = np.abs(np.fft.fft2(y - x))[::3, ::3] ** 2 / x.size
        masks = [(radius >= low) & (radius < high) for low, high in BANDS]
        ratios.append([np.log(expected[mask].mean() / measured[mask].mean()) for mask in masks])
        totals.append(np.log(expected.mean() / np.mean((y - x) ** 2)))
    np.testing.assert_allclose(np.mean(ratios, axis=0), 0, atol=0.3)
    assert np.max(np.abs(totals)) < 0.7
    assert abs(np.mean(totals)) < 0.2


@pytest.mark.parametrize("quality", [30, 50, 75, 90])
def test_kept_share_is_that_of_real_round_trips(reduced, quality):
    shares = []
    for image in reduced:
        x = np.asarray(image, dtype=np.float64) / GREY_LEVELS - 1
        y = np.asarray(round_trip(image, quality), dtype=np.float64) / GREY_LEVELS - 1
        rings, before, after = radial_psd(x), np.fft.fft2(x), np.fft.fft2(y)

        def psd(fy, fx, rings=rings):
            return rings(np.maximum(np.hypot(fy, fx), 1e-4))

        fy, fx = np.fft.fftfreq(x.shape[0])[:, None], np.fft.fftfreq(x.shape[1])[None, :]
        gain, _ = jpeg_channel(fy, fx, psd, quality)
        band = (np.hypot(fy, fx) >= 0.125) & (np.hypot(fy, fx) < 0.25)
        power = np.abs(before) ** 2
        measured = np.sum((after * before.conj()).real[band]) / power[band].sum()
        shares.append((gain * power)[band].sum() / power[band].sum() - measured)
    assert abs(np.mean(shares)) < 0.06
