"""The measured spectrum: its convention, its rings, and what has none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.fields import photograph
from theory.errors import SpectrumError
from theory.spectra import RadialPSD, radial_psd


def test_white_noise_has_psd_equal_to_its_variance():
    noise = 0.3 * np.random.default_rng(0).standard_normal((256, 256))
    rings = radial_psd(noise)
    assert np.average(rings.psd, weights=rings.count) == pytest.approx(0.09, rel=0.02)
    busy = rings.count > 500
    np.testing.assert_allclose(rings.psd[busy], 0.09, rtol=0.3)


def test_a_wave_shows_at_its_frequency():
    y, x = np.mgrid[:128, :128]
    rings = radial_psd(np.sin(2 * np.pi * (0.1875 * x + 0.25 * y)))
    assert rings.frequency[np.argmax(rings.psd)] == pytest.approx(0.3125, abs=1 / 128)


def test_channels_are_averaged_and_the_mean_is_removed():
    first, second = np.random.default_rng(1).standard_normal((2, 64, 64))
    both = radial_psd(np.stack([first, 2 * second]))
    np.testing.assert_allclose(both.psd, (radial_psd(first).psd + 4 * radial_psd(second).psd) / 2)
    np.testing.assert_allclose(radial_psd(first + 5).psd, radial_psd(first).psd, rtol=1e-9)


@settings(deadline=None, max_examples=25)
@given(
    height=st.integers(8, 40), width=st.integers(8, 40), gain=st.floats(1e-2, 1), seed=st.integers(0, 10**6)
)
def test_power_is_quadratic_in_the_image(height, width, gain, seed):
    image = np.random.default_rng(seed).uniform(-1, 1, (height, width))
    rings, scaled = radial_psd(image), radial_psd(gain * image)
    np.testing.assert_allclose(scaled.psd, gain**2 * rings.psd, rtol=1e-9)
    # Along the longer side a few frequencies lie below the first ring.
    assert 0 < height * width - rings.count.sum() <= max(height, width) / min(height, width) + 1
    assert rings.frequency[0] > 0 and rings.frequency[-1] <= np.sqrt(0.5)


def test_a_measured_spectrum_interpolates():
    rings = radial_psd(photograph("camera"))
    np.testing.assert_allclose(rings(rings.frequency), rings.psd)
    assert rings(1e-9) == pytest.approx(rings.psd[0]) and rings(9.0) == pytest.approx(rings.psd[-1])


def test_bad_rings_are_refused():
    ones = np.ones(3)
    with pytest.raises(SpectrumError, match="rising"):
        RadialPSD(ones, ones, ones)
    with pytest.raises(SpectrumError, match="shapes"):
        RadialPSD(np.arange(1.0, 4), ones[:2], ones)
