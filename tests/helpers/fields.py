"""Images whose spectrum is known, photographs, and their degraded versions, by other code than the toolkit's."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

from theory.degradation import Degradation, cubic_weights

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "rocket")


def gaussian_field(psd: Callable, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A periodic Gaussian field whose |FFT|^2 / N averages to ``psd(f)``, without DC."""
    f = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :])
    f[0, 0] = np.inf
    filtered = np.fft.fft2(rng.standard_normal(shape)) * np.sqrt(
        np.where(np.isinf(f), 0, psd(np.minimum(f, 1)))
    )
    return np.fft.ifft2(filtered).real


@cache
def photograph(name: str) -> np.ndarray:
    """One of `PHOTOGRAPHS`, (C, H, W) in [-1, 1]."""
    image = np.asarray(getattr(data, name)(), dtype=np.float64) / 127.5 - 1
    return image.transpose(2, 0, 1) if image.ndim == 3 else image[None]


def degraded(hr: np.ndarray, scale: int, degradation: Degradation, seed: int = 0) -> np.ndarray:
    """The LR image at 8 bits, of shape (C, h, w)."""
    height, width = (n // scale * scale for n in hr.shape[1:])
    sigma = degradation.blur_sigma
    hr = gaussian_filter(hr[:, :height, :width], (0, sigma, sigma), mode="reflect")
    lr = cubic_weights(height, height // scale) @ hr @ cubic_weights(width, width // scale).T
    lr = lr + degradation.noise_std * np.random.default_rng(seed).standard_normal(lr.shape)
    levels = np.clip(np.round((lr + 1) * 127.5), 0, 255).astype(np.uint8)
    if degradation.jpeg_quality is not None:
        buffer = io.BytesIO()
        pixels = levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0)
        Image.fromarray(pixels).save(buffer, "JPEG", quality=degradation.jpeg_quality)
        decoded = np.asarray(Image.open(buffer))
        levels = decoded[None] if decoded.ndim == 2 else decoded.transpose(2, 0, 1)
    return levels / 127.5 - 1
