"""Luminance tiles of a known spectrum."""

from __future__ import annotations

import numpy as np


def texture(exponent: float, contrast: float = 40.0, side: int = 96) -> np.ndarray:
    """A Gaussian luminance tile with spectrum ``f^-exponent``."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    noise = np.fft.rfft2(np.random.default_rng(0).standard_normal((side, side)))
    tile = np.fft.irfft2(noise * frequency ** (-exponent / 2), s=(side, side))
    return 128 + contrast * tile / tile.std()
