"""Noise told from an image: photographs, textured fields, and noise alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit.blind import estimate_noise
from helpers.fields import PHOTOGRAPHS, degraded, gaussian_field, photograph
from theory.degradation import Degradation
from theory.spectra import PowerLaw

LAW = PowerLaw(6e-4, 2.6)


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_noise_on_photographs(name, scale, noise):
    found = estimate_noise(degraded(photograph(name), scale, Degradation(noise_std=noise)))
    # Within 0.003 in colour, 25 % in grey.
    assert found.value == pytest.approx(noise, abs=0.25 * noise if name == "camera" else 0.003)
    assert found.std < 0.3 * noise


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_grows_with_the_noise(seed):
    grey = gaussian_field(LAW, (192, 192), np.random.default_rng(seed))[None]
    colour, levels = np.repeat(grey, 3, axis=0), (0.02, 0.03, 0.05, 0.08, 0.12, 0.2)
    noisy = [degraded(colour, 2, Degradation(noise_std=level), seed) for level in levels]
    found = [estimate_noise(lr).value for lr in noisy]
    assert np.all(np.diff(found) > 0)
    np.testing.assert_allclose(found, levels, rtol=0.05)
    # Of a grey field without a flat part, the texture hides the noise until it is stronger.
    found = [estimate_noise(lr[0]).value for lr in noisy]
    assert np.all(np.diff(found) >= 0) and found[-1] > 0.15
    assert np.all(np.array(found) < 1.1 * np.array(levels))


@settings(deadline=None, max_examples=20)
@given(level=st.floats(0.02, 0.2), seed=st.integers(0, 10**6))
def test_white_noise_alone_is_told(level, seed):
    noise = level * np.random.default_rng(seed).standard_normal((3, 64, 64))
    found = estimate_noise(noise)
    assert found.value == pytest.approx(level, abs=4 * found.std)
