"""Bicubic resampling: its exact weights, and what it does to each frequency.

The kernel is Keys' cubic with a = -1/2, antialiased as in PIL and ``torch...interpolate(antialias=True)``.

Down by s and up again maps frequency f of the HR image to itself with gain ``K(fs)^2``, where K is the Fourier
transform of the kernel, and folds every frequency ``f + j/s`` (j = +-1, +-2, ...) onto f with gain
``K(fs) K(fs + j)``. Phases of the two grids are averaged, so scales need not be whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice, product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.degradation.degradation import BICUBIC, Degradation
from theory.degradation.jpeg import jpeg_channel
from theory.errors import ScaleError, SpectrumError
from theory.scale import Scale, ScalePair, as_scale

Array = NDArray[np.float64]

_FOLDS = 2
"""Folded copies counted on each side: the kernel's transform is below 0.1 % beyond."""

_TINY_FREQUENCY = 1e-4
"""Folding can hit DC exactly, where a power law is infinite; the kernel's gain there is 0."""


def keys_kernel(x: ArrayLike) -> Array:
    """Keys' cubic convolution kernel, a = -1/2, at distance x in samples of the coarser grid.

    References
    ----------
    Keys 1981, "Cubic convolution interpolation for digital image processing", IEEE TASSP 29(6).
    """
    x = np.abs(np.asarray(x, dtype=np.float64))
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def keys_transform(nu: ArrayLike) -> Array:
    """Fourier transform of `keys_kernel` at frequency nu, in cycles per sample of the coarser grid.

    ``K = sinc^3 (3 sinc - 2 cos(pi nu))``: 1 at 0 (flat to fourth order), 0.49 at 1/2, triple zeros at the other
    whole numbers.
    """
    nu = np.asarray(nu, dtype=np.float64)
    sinc = np.sinc(nu)
    return sinc**3 * (3 * sinc - 2 * np.cos(np.pi * nu))


def cubic_weights(n_in: int, n_out: int) -> Array:
    """Matrix of one-dimensional antialiased bicubic resampling, PIL's and torch's convention.

    Pixel centres are aligned to the full extent, the kernel is stretched by ``max(n_in / n_out, 1)``, and the
    weights of each output pixel are renormalised to sum 1 where the border cuts the kernel.

    Parameters
    ----------
    n_in, n_out : int
        Lengths before and after, at least 1.

    Returns
    -------
    ndarray of shape (n_out, n_in)

    Raises
    ------
    ScaleError
        If a length is below 1.
    """
    if n_in < 1 or n_out < 1:
        raise ScaleError(f"Cannot resample {n_in} to {n_out} pixels; both lengths must be at least 1.")
    ratio = n_in / n_out
    stretch = max(ratio, 1.0)
    centre = (np.arange(n_out) + 0.5) * ratio
    pixel = np.arange(n_in)
    first = np.maximum((centre - 2 * stretch + 0.5).astype(np.int64), 0)
    last = np.minimum((centre + 2 * stretch + 0.5).astype(np.int64), n_in)
    inside = (pixel >= first[:, None]) & (pixel < last[:, None])
    weight = np.where(inside, keys_kernel((pixel + 0.5 - centre[:, None]) / stretch), 0.0)
    return weight / weight.sum(axis=1, keepdims=True)


def down_transfer(f: ArrayLike, scale: float) -> Array:
    """Gain of downsampling by `scale` at HR frequency f (cycles per HR pixel), before folding."""
    f = np.asarray(f, dtype=np.float64)
    return np.ones_like(f) if scale == 1 else keys_transform(f * scale)


def transfer(
    fy: ArrayLike,
    fx: ArrayLike,
    scale: Scale,
    degradation: Degradation = BICUBIC,
    psd: Callable[[Array], Array] | None = None,
) -> Array:
    """Gain H_f of degradation, down and up again, at HR frequency (fy, fx): what survives in place.

    Parameters
    ----------
    fy, fx : array_like
        Cycles per HR pixel, within [-1/2, 1/2]; broadcast together.
    scale : float or (float, float)
        Scale, at least 1. At exactly 1 the resampling is the identity.
    degradation : Degradation
        Blur before the downsampling, compression after it.
    psd : callable, optional
        Radial power spectral density of the HR image; compression alone needs it, as it rounds small
        coefficients away.

    Returns
    -------
    ndarray
        For bicubic alone about 1 well below ``f_c = 1 / (2 s)``, 0.24 at it, and quickly 0 above.

    Raises
    ------
    SpectrumError
        If there is compression and no `psd`.
    """
    pair = as_scale(scale)
    fy, fx = np.asarray(fy, dtype=np.float64), np.asarray(fx, dtype=np.float64)
    if degradation.jpeg_quality is not None:
        if psd is None:
            raise SpectrumError(f"The transfer of {degradation} depends on the image: give its psd too.")
        return channel(fy, fx, pair, psd, degradation)[0]
    return down_transfer(fy, pair.y) ** 2 * down_transfer(fx, pair.x) ** 2 * _blur(fy, fx, degradation)


def added_psd(
    fy: ArrayLike,
    fx: ArrayLike,
    scale: Scale,
    psd: Callable[[Array], Array],
    degradation: Degradation = BICUBIC,
) -> Array:
    """Power at (fy, fx) of the down-then-up image that does *not* come from the original's own (fy, fx).

    Aliases and images of other frequencies, LR noise and the rounding of a compression.

    Parameters
    ----------
    fy, fx : array_like
        Cycles per HR pixel, within [-1/2, 1/2]; broadcast together.
    scale : float or (float, float)
        Scale, at least 1.
    psd : callable
        Radial power spectral density of the HR image, S(f).
    degradation : Degradation
        Blur before, noise and compression after the downsampling.

    Returns
    -------
    ndarray
        Power in the units of `psd`; 0 at scale 1 without noise and compression.
    """
    return channel(fy, fx, scale, psd, degradation)[1]


def channel(
    fy: ArrayLike,
    fx: ArrayLike,
    scale: Scale,
    psd: Callable[[Array], Array],
    degradation: Degradation = BICUBIC,
) -> tuple[Array, Array]:
    """`transfer` and `added_psd` together: with compression each needs the other's work.

    Parameters and shapes are those of `added_psd`.
    """
    sy, sx = pair = as_scale(scale)
    fy, fx = np.broadcast_arrays(np.asarray(fy, dtype=np.float64), np.asarray(fx, dtype=np.float64))
    gain = transfer(fy, fx, pair, replace(degradation, jpeg_quality=None))
    up, folded = _folded(fy, fx, pair, psd, degradation)
    added = up * (sy * sx * degradation.noise_std**2) + folded
    if degradation.jpeg_quality is None:
        return gain, added
    kept, rounding = jpeg_channel(
        fy * sy, fx * sx, lambda y, x: lr_psd(y, x, pair, psd, degradation), degradation.jpeg_quality
    )
    return kept * gain, kept**2 * added + up * (sy * sx) * rounding


def lr_psd(
    fy: ArrayLike,
    fx: ArrayLike,
    scale: Scale,
    psd: Callable[[Array], Array],
    degradation: Degradation = BICUBIC,
) -> Array:
    """Spectrum of the LR image itself at LR frequency (fy, fx), before any compression.

    Parameters
    ----------
    fy, fx : array_like
        Cycles per LR pixel, within [-1/2, 1/2]; broadcast together.
    scale, psd, degradation
        As for `added_psd`.

    Returns
    -------
    ndarray
        ``S_lr = sum over folds |K|^2 B^2 S / (s_y s_x) + noise_std^2``.
    """
    sy, sx = pair = as_scale(scale)
    fy, fx = np.broadcast_arrays(np.asarray(fy, dtype=np.float64), np.asarray(fx, dtype=np.float64))
    y, x = fy / sy, fx / sx
    own = psd(np.maximum(np.hypot(y, x), _TINY_FREQUENCY)) * _blur(y, x, degradation) ** 2
    down = (down_transfer(y, sy) * down_transfer(x, sx)) ** 2
    folded = _folded(y, x, pair, psd, degradation, up=np.ones_like(y))[1]
    return (down * own + folded) / (sy * sx) + degradation.noise_std**2


def _folded(
    fy: Array,
    fx: Array,
    scale: ScalePair,
    psd: Callable[[Array], Array],
    degradation: Degradation,
    up: Array | None = None,
) -> tuple[Array, Array]:
    """Squared gain going up, and the power that folds onto (fy, fx) from elsewhere, times that gain."""
    copies_y, copies_x = _copies(fy, scale.y), _copies(fx, scale.x)
    if up is None:
        up = copies_y[0][1] * copies_x[0][1]
    total = np.zeros_like(up)
    for (gy, down_y), (gx, down_x) in islice(product(copies_y, copies_x), 1, None):
        exists = (np.abs(gy) <= 0.5) & (np.abs(gx) <= 0.5)
        if exists.any():
            y, x = gy[exists], gx[exists]
            power = psd(np.maximum(np.hypot(y, x), _TINY_FREQUENCY)) * _blur(y, x, degradation) ** 2
            total[exists] += (up * down_y * down_x)[exists] * power
    return up, total


def _copies(f: Array, scale: float) -> list[tuple[Array, Array]]:
    """Frequencies that fold onto f along one axis, f itself first, each with its squared gain going down."""
    folds = sorted(range(-_FOLDS, _FOLDS + 1), key=abs) if scale > 1 else [0]
    return [(f + j / scale, down_transfer(f + j / scale, scale) ** 2) for j in folds]


def _blur(fy: Array, fx: Array, degradation: Degradation) -> Array | float:
    if not degradation.blur_sigma:
        return 1.0
    return np.exp(-2 * (np.pi * degradation.blur_sigma) ** 2 * (fy**2 + fx**2))
