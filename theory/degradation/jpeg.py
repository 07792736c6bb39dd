"""JPEG compression as a linear channel: what it keeps of each frequency, and the power that it adds.

A JPEG rounds the 8 x 8 DCT coefficients of every block to multiples of a table's steps. For a coefficient of
variance v the rounded value is its best linear prediction ``gain * coefficient`` plus an uncorrelated rest; a step
far above the coefficient's deviation zeroes it (gain 0, error v), a step far below leaves ``step^2 / 12``.

Coefficients of photographs are heavy-tailed: a Laplacian whose variance itself varies from block to block, here
log-normally. Averaged over the 64 positions inside a block, coefficient (u, v) spreads its error over frequency
as ``|Phi_uv(f)|^2 / 64``, the power of its basis image; lost coefficients of different blocks count as uncorrelated.

Only brightness is modelled (the luminance table). Against Pillow's round trips of 16 photographs in grey (native and
halved, qualities 30, 50, 75, 90, their measured radial spectrum as `psd`), the whole error power is predicted within
9 % on average, with a scatter of 29 to 49 % from photograph to photograph; bands from 0.06 cycles per pixel up are
within 20 % on average, lower ones up to 25 % low. Of colour photographs the chroma table and the halved chroma add
errors that this does not know: little near Nyquist, many times the predicted ones at low frequencies, where the image
itself is far above them.

This is the project's own approximation.

References
----------
ITU-T T.81 (1992), annex K.1; libjpeg's ``jpeg_quality_scaling``. Lam, Goodman 2000, "A mathematical analysis of
the DCT coefficient distributions for images", IEEE TIP 9(10), for Laplacians of varying variance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import ToolkitError

Array = NDArray[np.float64]

BLOCK = 8
"""Side of a block in pixels."""

GREY_LEVELS = 127.5
"""Grey levels per unit of an image in [-1, 1]."""

CONTRAST_LOG_STD = 1.8
"""Spread of log variance from block to block and direction to direction: unbiased on photographs (0 to 1.9 tried)."""

_LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
_CONTRAST_NODES, _FREQUENCY_NODES = 9, 14
_LOWEST = 1 / 256
"""LR frequency below which a spectrum is taken as flat: it only reaches the mean of a block."""


def quantisation_table(quality: int) -> NDArray[np.int64]:
    """Steps of the luminance table at a quality, in grey levels of orthonormal DCT coefficients.

    Parameters
    ----------
    quality : int
        1 to 100, libjpeg's scale; 50 is the standard's own table.

    Returns
    -------
    ndarray of shape (8, 8)
        Row u, column v of the vertical and horizontal frequency; 1 to 255 as in a baseline file.

    Raises
    ------
    ToolkitError
        If the quality lies outside 1 to 100.
    """
    if not 1 <= quality <= 100:
        raise ToolkitError(f"jpeg quality = {quality} must lie in 1 to 100.")
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((_LUMINANCE * percent + 50) // 100, 1, 255).astype(np.int64)


@lru_cache(maxsize=1)
def dct_basis() -> Array:
    """Orthonormal DCT-II of 8 samples: row u is basis vector u."""
    k, n = np.arange(BLOCK)[:, None], np.arange(BLOCK)[None, :]
    basis = np.cos(np.pi * k * (2 * n + 1) / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, dtype=np.float64)


def quantised(variance: ArrayLike, step: ArrayLike) -> tuple[Array, Array]:
    """Best linear gain and mean squared error of rounding a Laplacian value to multiples of a step.

    Parameters
    ----------
    variance, step : array_like
        Of the value, and of the quantiser; broadcast together, both positive.

    Returns
    -------
    gain, error : ndarray
        ``E[x y] / E[x^2]`` and ``E[(y - x)^2]`` for y the rounded x.
    """
    variance, step = np.asarray(variance, dtype=np.float64), np.asarray(step, dtype=np.float64)
    decay = np.sqrt(variance / 2)
    ratio = np.minimum(step / decay, 700.0)
    theta, half = np.exp(-ratio), np.exp(-ratio / 2)
    rest = -np.expm1(-ratio)
    power = step**2 * half * (1 + theta) / rest**2
    product = power / 2 + step * decay * half / rest
    error = variance - 2 * product + power
    # The three terms cancel where the step is tiny; there the rest is uniform.
    fine = ratio < 1e-3
    return np.where(fine, 1.0, product / variance), np.where(fine, step**2 / 12, np.maximum(error, 0.0))


def quantised_mixture(variance: ArrayLike, step: ArrayLike) -> tuple[Array, Array]:
    """As `quantised`, for a Laplacian whose variance is log-normal around this mean."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_CONTRAST_NODES)
    weights = weights / weights.sum()
    factor = np.exp(CONTRAST_LOG_STD * nodes - CONTRAST_LOG_STD**2 / 2)
    factor /= weights @ factor
    gain, error = quantised(np.asarray(variance)[..., None] * factor, np.asarray(step)[..., None])
    return gain @ (weights * factor), error @ weights


def basis_power(f: ArrayLike) -> Array:
    """``|Phi_u(f)|^2`` of the 8 basis vectors at LR frequency f; sums to 8 over u.

    Parameters
    ----------
    f : array_like
        Cycles per LR pixel.

    Returns
    -------
    ndarray of shape (..., 8)
    """
    wave = np.exp(-2j * np.pi * np.asarray(f, dtype=np.float64)[..., None] * np.arange(BLOCK))
    return np.asarray(np.abs(wave @ dct_basis().T) ** 2, dtype=np.float64)


@lru_cache(maxsize=1)
def _frequency_grid() -> tuple[Array, Array, Array]:
    """LR frequencies of a product rule over the square up to Nyquist, and what they give each coefficient."""
    x, w = np.polynomial.legendre.leggauss(_FREQUENCY_NODES)
    u = (x + 1) / 2
    # Cubed nodes crowd towards DC, where spectra rise.
    f, weight = 0.5 * u**3, 0.75 * w * u**2
    share = basis_power(f) * (2 * weight)[:, None]
    fy, fx = (grid.ravel() for grid in np.meshgrid(f, f, indexing="ij"))
    spread = np.einsum("iu,jv->ijuv", share, share).reshape(fy.size, BLOCK * BLOCK)
    return fy, fx, spread


def coefficient_variances(psd: Callable[[Array, Array], Array]) -> Array:
    """Variance of every DCT coefficient of an image with this spectrum.

    Parameters
    ----------
    psd : callable
        Spectrum over LR frequency (fy, fx), cycles per LR pixel, even on both axes.

    Returns
    -------
    ndarray of shape (8, 8)
        In the spectrum's units. That of the mean of a block is finite though a power law is not at 0.
    """
    fy, fx, spread = _frequency_grid()
    floor = np.maximum(_LOWEST / np.maximum(np.hypot(fy, fx), 1e-12), 1.0)
    return np.asarray(psd(fy * floor, fx * floor) @ spread, dtype=np.float64).reshape(BLOCK, BLOCK)


def jpeg_channel(
    fy: ArrayLike, fx: ArrayLike, psd: Callable[[Array, Array], Array], quality: int
) -> tuple[Array, Array]:
    """Gain and added power of a JPEG round trip at LR frequency (fy, fx).

    Parameters
    ----------
    fy, fx : array_like
        Cycles per LR pixel; broadcast together. Frequencies past 1/2 are those they fold to.
    psd : callable
        Spectrum of the LR image in [-1, 1] as a function of (fy, fx).
    quality : int
        1 to 100.

    Returns
    -------
    gain, added : ndarray
        The compressed image has ``gain * x_f`` plus uncorrelated power `added`; its whole error power is
        ``(1 - gain)^2 S + added``.
    """
    step = quantisation_table(quality) / GREY_LEVELS
    variance = np.maximum(coefficient_variances(psd), 1e-12)
    kept, error = quantised_mixture(variance, step)
    fy, fx = np.broadcast_arrays(np.asarray(fy, dtype=np.float64), np.asarray(fx, dtype=np.float64))
    power_y, power_x = basis_power(fy) / BLOCK, basis_power(fx) / BLOCK

    def spread(values: Array) -> Array:
        return np.asarray(np.sum((power_y @ values) * power_x, axis=-1), dtype=np.float64)

    lost = spread(1 - kept)
    folded = fy - np.rint(fy), fx - np.rint(fx)
    return 1 - lost, np.maximum(spread(error) - lost**2 * psd(*folded), 0.0)
