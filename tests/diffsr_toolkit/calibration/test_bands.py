"""Bands of frequency: every coefficient has one, and the bands share out the windowed power."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffsr_toolkit.calibration import band_index, band_products
from helpers.calibration import field_picture
from theory.prf import BANDS

M = len(BANDS) - 1


@pytest.mark.parametrize("shape", [(24, 24), (17, 30)])
@pytest.mark.parametrize("scale", [(1.0, 1.0), (2.0, 2.0), (3.0, 5.0)])
def test_every_coefficient_has_its_band(shape: tuple[int, int], scale: tuple[float, float]) -> None:
    index = band_index(shape, scale)
    assert index[0, 0] == -1 and (index >= 0).sum() == shape[0] * shape[1] - 1
    for y, x in ((0, 1), (3, 0), (5, 7), (shape[0] // 2, shape[1] // 2)):
        fy, fx = np.fft.fftfreq(shape[0])[y], np.fft.fftfreq(shape[1])[x]
        nu = np.hypot(2 * scale[0] * fy, 2 * scale[1] * fx)
        assert BANDS[index[y, x]] <= nu < BANDS[index[y, x] + 1]


@pytest.mark.parametrize("shape", [(32, 32), (17, 30)])
def test_the_bands_share_out_the_windowed_power(shape: tuple[int, int]) -> None:
    a, b = field_picture(shape, 1), field_picture(shape, 2)
    index = band_index(shape, (2.0, 2.0))
    window = np.outer(*(np.hanning(2 * n + 1)[1::2] for n in shape))

    def windowed(image: torch.Tensor) -> np.ndarray:
        x = image.double().numpy()
        return (
            x - np.average(x, axis=(1, 2), weights=np.broadcast_to(window, x.shape))[:, None, None]
        ) * window

    for first, second in ((a, a), (a, b)):
        direct = (windowed(first) * windowed(second)).sum() / 3 * window.size / (window**2).sum()
        assert band_products(first, second, index).sum() == pytest.approx(direct, rel=1e-9)


def test_band_power_is_the_spectrum_times_the_coefficients() -> None:
    # White noise of variance 0.04: each band holds 0.04 a coefficient, to its own sampling error.
    noise = 0.2 * torch.randn(3, 128, 128, generator=torch.Generator().manual_seed(0))
    index = band_index((128, 128), (1.0, 1.0))
    count = np.bincount(index[index >= 0], minlength=M)
    power = band_products(noise, noise, index)
    busy = count > 500
    np.testing.assert_allclose(power[busy] / count[busy], 0.04, rtol=0.15)
    np.testing.assert_array_equal(power[count == 0], 0)
