"""The Wiener denoiser against its own definition, frequency by frequency."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit.errors import ImageError, SpectrumError
from diffsr_toolkit.models import WienerDenoiser
from theory.spectra import PowerLaw

LAW = PowerLaw(2e-4, 2.5)


@settings(deadline=None, max_examples=12)
@given(height=st.integers(1, 17), width=st.integers(1, 17), sigma=st.floats(1e-3, 5))
def test_mirrored_wiener_is_a_shrinkage_of_the_dct(height, width, sigma):
    from scipy.fft import dctn, idctn

    x = torch.randn(2, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    fy, fx = np.arange(height) / (2 * height), np.arange(width) / (2 * width)
    radius = np.hypot(fy[:, None], fx[None])
    radius[0, 0] = 1
    power = LAW(radius)
    gain = power / (power + sigma**2)
    gain[0, 0] = 1
    expected = idctn(gain * dctn(x.numpy(), axes=(2, 3)), axes=(2, 3))
    restored = WienerDenoiser(LAW)(x, torch.full((2,), sigma, dtype=torch.float64))
    np.testing.assert_allclose(restored, expected, atol=1e-10)


def test_periodic_wiener_is_exact_at_each_frequency_and_image():
    psd = LAW(np.maximum(np.hypot(np.fft.fftfreq(6)[:, None], np.fft.fftfreq(9)[None]), 0.05))
    x = torch.randn(2, 3, 6, 9, dtype=torch.float64)
    sigma = torch.tensor([0.1, 2.0])
    restored = WienerDenoiser(psd, periodic=True)(x, sigma)
    for image, result, level in zip(x, restored, sigma.double(), strict=True):
        gain = psd / (psd + float(level) ** 2)
        np.testing.assert_allclose(result, np.fft.ifft2(gain * np.fft.fft2(image.numpy())).real, atol=1e-12)
    radial = WienerDenoiser(LAW, periodic=True)(x, sigma)
    np.testing.assert_allclose(radial.mean((2, 3)), x.mean((2, 3)), atol=1e-12)


def test_a_frequency_without_power_is_removed_and_one_with_infinite_power_kept():
    psd = np.zeros((4, 4))
    psd[0, 0] = np.inf
    x = torch.randn(1, 1, 4, 4)
    restored = WienerDenoiser(psd, periodic=True)(x, torch.ones(1))
    np.testing.assert_allclose(restored, x.mean().expand(1, 1, 4, 4), atol=1e-6)


def test_what_is_no_spectrum_is_refused():
    with pytest.raises(SpectrumError, match="periodic=False"):
        WienerDenoiser(np.ones((4, 4)))
    with pytest.raises(SpectrumError, match="symmetric"):
        WienerDenoiser(np.arange(16.0).reshape(4, 4), periodic=True)
    with pytest.raises(ImageError, match="must agree"):
        WienerDenoiser(np.ones((4, 4)), periodic=True)(torch.zeros(1, 1, 4, 5), torch.ones(1))
