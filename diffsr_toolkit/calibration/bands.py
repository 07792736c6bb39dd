"""Power and cross-spectrum of images, summed over bands of frequency relative to the cut-off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from theory.prf import BANDS

Array = NDArray[np.float64]


def band_index(shape: tuple[int, int], scale: tuple[float, float]) -> NDArray[np.int64]:
    """Band of every FFT coefficient of an image of this shape, by ``nu = f / f_c``; -1 is DC.

    With unequal scales nu is ``hypot(2 s_y f_y, 2 s_x f_x)``.
    """
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None]
    nu = np.hypot(2 * scale[0] * fy, 2 * scale[1] * fx)
    index = np.digitize(nu, BANDS) - 1
    index[0, 0] = -1
    return index


def band_products(a: Tensor, b: Tensor, index: NDArray[np.int64]) -> Array:
    """Real cross-spectrum of two images ``(C, H, W)``, summed over each band; power where a is b.

    A Hann window keeps the borders from leaking into the high bands.
    """
    fa, fb = _spectrum(a), _spectrum(b)
    product = np.real(fa * np.conj(fb)).mean(axis=0)
    inside = index >= 0
    total = np.bincount(index[inside], weights=product[inside], minlength=len(BANDS) - 1)
    return np.asarray(total[: len(BANDS) - 1], dtype=np.float64)


def _spectrum(image: Tensor) -> NDArray[np.complex128]:
    x = np.asarray(image, dtype=np.float64)
    window = np.outer(*(np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in x.shape[-2:]))
    x = x - (x * window).sum(axis=(-2, -1), keepdims=True) / window.sum()
    return np.fft.fft2(x * window) / np.sqrt((window**2).sum())
