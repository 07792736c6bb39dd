"""Fields with a known spectrum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


def gaussian_field(psd: Callable, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A periodic Gaussian field whose |FFT|^2 / N averages to ``psd(f)``, without DC."""
    f = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :])
    f[0, 0] = np.inf
    filtered = np.fft.fft2(rng.standard_normal(shape)) * np.sqrt(
        np.where(np.isinf(f), 0, psd(np.minimum(f, 1)))
    )
    return np.fft.ifft2(filtered).real


@pytest.fixture(scope="session")
def make_field() -> Callable:
    return gaussian_field
