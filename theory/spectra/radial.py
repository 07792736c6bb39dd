"""Power spectra of images, measured over rings of frequency.

Convention: ``S_f = |FFT(x)|^2 / N`` for values x in [-1, 1] and N pixels, so white noise of variance v has S = v
at every frequency. Frequencies are radial, in cycles per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import SpectrumError

Array = NDArray[np.float64]

MIN_SIZE = 8
"""Smallest image side, in pixels, whose spectrum is measured."""

_HANN_INDEPENDENCE = 0.27
"""Share of independent periodogram values left by a 2-D Hann window, whose neighbours overlap: (18/35)^2."""


@dataclass(frozen=True, eq=False)
class RadialPSD:
    """Measured spectrum, averaged over rings of frequency.

    Attributes
    ----------
    frequency : ndarray of shape (K,)
        Mean frequency of each ring in cycles per pixel, rising, up to the corners' sqrt(1/2).
    psd : ndarray of shape (K,)
        Mean power of each ring.
    count : ndarray of shape (K,)
        Periodogram values in each ring.
    """

    frequency: Array
    psd: Array
    count: Array

    def __post_init__(self) -> None:
        shapes = {np.shape(self.frequency), np.shape(self.psd), np.shape(self.count)}
        if len(shapes) > 1 or np.ndim(self.psd) != 1 or len(self.psd) < 2:
            raise SpectrumError(
                f"RadialPSD needs three equal 1-D arrays of at least 2 rings; got shapes {shapes}."
            )
        if not (
            np.all(self.psd > 0) and np.all(np.isfinite(self.psd)) and np.all(np.diff(self.frequency) > 0)
        ):
            raise SpectrumError("RadialPSD needs positive finite power at strictly rising frequencies.")

    def __call__(self, f: ArrayLike) -> Array:
        """Power at frequency f: log-log interpolation, constant outside the measured rings."""
        log_f = np.log(np.asarray(f, dtype=np.float64))
        return np.exp(np.interp(log_f, np.log(self.frequency), np.log(self.psd)))

    @property
    def independent(self) -> Array:
        """Independent values in each ring, at least 1: the window correlates neighbours, and f and -f are one."""
        return np.maximum(_HANN_INDEPENDENCE * self.count / 2, 1.0)


def radial_psd(image: ArrayLike) -> RadialPSD:
    """Radial power spectral density of an image.

    A separable Hann window (normalised to mean square 1) keeps the borders from leaking; the windowed mean is
    removed. Of several channels the mean of their powers is returned, since that is the power per value.

    Parameters
    ----------
    image : array_like of shape (H, W) or (C, H, W)
        Values in [-1, 1]; H and W at least `MIN_SIZE`.

    Returns
    -------
    RadialPSD

    Raises
    ------
    SpectrumError
        If the image is too small, constant, of another shape, or holds nan or inf.
    """
    power, fy, fx = periodogram(image)
    return ring_means(power, np.hypot(fy[:, None], fx[None, :]), 1 / min(power.shape))


def periodogram(image: ArrayLike) -> tuple[Array, Array, Array]:
    """Windowed ``|FFT|^2 / N``, mean over channels, with its frequencies on both axes.

    Parameters
    ----------
    image : array_like of shape (H, W) or (C, H, W)
        Values in [-1, 1]; H and W at least `MIN_SIZE`.

    Returns
    -------
    power : ndarray of shape (H, W)
    fy, fx : ndarray of shape (H,) and (W,)
        Cycles per pixel, in ``numpy.fft.fft2``'s order.

    Raises
    ------
    SpectrumError
        As `radial_psd`.
    """
    x = np.asarray(image, dtype=np.float64)
    if x.ndim not in (2, 3):
        raise SpectrumError(f"image has shape {x.shape}; give (H, W) or (C, H, W).")
    height, width = x.shape[-2:]
    if min(height, width) < MIN_SIZE:
        raise SpectrumError(
            f"image is {height} x {width} pixels; a spectrum needs at least {MIN_SIZE} x {MIN_SIZE}."
        )
    if not np.all(np.isfinite(x)):
        raise SpectrumError("image holds nan or inf; replace them before measuring its spectrum.")
    if np.ptp(x) < 1e-9:
        raise SpectrumError("image is constant: it has no spectrum. Give PRF a PowerLaw instead.")
    window = np.outer(_hann(height), _hann(width))
    x = x - (x * window).sum(axis=(-2, -1), keepdims=True) / window.sum()
    power = np.abs(np.fft.fft2(x * window)) ** 2 / (height * width)
    power = np.asarray(power.reshape(-1, height, width).mean(axis=0), dtype=np.float64)
    return power, _frequencies(height), _frequencies(width)


def ring_means(power: Array, radius: Array, width: float) -> RadialPSD:
    """Averages of a periodogram over rings of frequency; DC is left out.

    Parameters
    ----------
    power, radius : ndarray of one shape
        Periodogram and radial frequency; values at an infinite radius are left out.
    width : float
        Of a ring, each centred on a multiple of it.
    """
    keep = np.isfinite(radius) & (radius > 0)
    index = np.rint(radius[keep] / width).astype(np.int64)
    count = np.bincount(index).astype(np.float64)
    full = count > 0
    full[0] = False
    frequency = np.bincount(index, weights=radius[keep])[full] / count[full]
    psd = np.bincount(index, weights=power[keep])[full] / count[full]
    floor = np.finfo(np.float64).tiny
    return RadialPSD(frequency, np.maximum(psd, floor), count[full])


def _frequencies(n: int) -> Array:
    return np.asarray(np.fft.fftfreq(n), dtype=np.float64)


def _hann(n: int) -> Array:
    """Periodic-midpoint Hann window of mean square 1."""
    window = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
    return window / np.sqrt(np.mean(window**2))
