"""The HR image's power law from an LR image with blur, noise or compression.

By the forward model of `theory.spectra.lr_model`. A compression changes the rings' power by what
`theory.degradation.jpeg` says of the fitted law; rings in which little is left are not used.

This is the project's own method.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.degradation import BICUBIC, Degradation, jpeg_channel, lr_psd
from theory.errors import SpectrumError
from theory.scale import Scale, ScalePair, as_scale
from theory.spectra.fit import fit_power_law_from_lr
from theory.spectra.lr_model import ANGLES, ROUNDING_VARIANCE, LRFit, LRModel
from theory.spectra.power_law import PowerLaw
from theory.spectra.radial import periodogram, ring_means

Array = NDArray[np.float64]

_LEAST_KEPT = 0.7
"""Least gain of a compression at which a ring still tells the spectrum."""


def fit_lr(lr: ArrayLike, scale: Scale, degradation: Degradation, fit_blur: bool) -> LRFit:
    """Fit the forward model to an LR image.

    Parameters
    ----------
    lr : array_like of shape (h, w) or (C, h, w)
        In [-1, 1]; h and w at least `theory.spectra.radial.MIN_SIZE`.
    scale : float or (float, float)
        HR size over LR size.
    degradation : Degradation
        Known noise and compression, and the known blur unless it is fitted.
    fit_blur : bool
        Whether to fit the blur too.

    Raises
    ------
    ScaleError, SpectrumError
        As `theory.spectra.fit_power_law_from_lr`.
    """
    pair = as_scale(scale)
    power, fy, fx = periodogram(lr)
    radius = np.hypot(fy[:, None], fx[None, :])
    width = 1 / min(power.shape)
    rings = ring_means(power, np.where(radius <= 0.5, radius, np.inf), width)
    model = LRModel(rings, pair, degradation.noise_std)
    correction = np.zeros_like(rings.psd)
    usable = (rings.frequency > 1.5 * width) & (np.cumsum(rings.psd < 3 * ROUNDING_VARIANCE) == 0)
    if usable.sum() < 4:
        raise SpectrumError(
            f"Only {int(usable.sum())} rings of the image's spectrum rise above its rounding to 8 bits; 4 are needed. "
            "Give a larger image or one with more detail."
        )
    found = model.fit(correction, usable, None if fit_blur else degradation.blur_sigma)
    if degradation.jpeg_quality is None:
        return found
    for _ in range(2):
        correction, kept = _compression(rings.frequency, found, pair, degradation)
        clear = usable & (np.cumsum(kept < _LEAST_KEPT) == 0)
        found = model.fit(
            correction, clear if clear.sum() >= 4 else usable, None if fit_blur else degradation.blur_sigma
        )
    return found


def _compression(f: Array, fit: LRFit, scale: ScalePair, degradation: Degradation) -> tuple[Array, Array]:
    """Log change of the rings' power by a compression, and its gain."""
    law = PowerLaw(float(np.exp(fit.log_amplitude)), fit.exponent)
    before = Degradation(max(fit.blur_variance, 0.0) ** 0.5, degradation.noise_std)

    def psd(y: Array, x: Array) -> Array:
        return lr_psd(y, x, scale, law, before)

    angle = (np.arange(ANGLES) + 0.5) * np.pi / (2 * ANGLES)
    fy, fx = f[:, None] * np.sin(angle), f[:, None] * np.cos(angle)
    gain, added = jpeg_channel(fy, fx, psd, degradation.jpeg_quality or 100)
    own = psd(fy, fx)
    return np.log((gain**2 * own + added).mean(axis=1) / own.mean(axis=1)), gain.mean(axis=1)


def fit_spectrum(
    lr: ArrayLike,
    scale: Scale,
    degradation: Degradation = BICUBIC,
    blur_std: float = 0.0,
) -> PowerLaw:
    """Fit the HR image's power law from an LR image whose degradation is known.

    As `theory.spectra.fit_power_law_from_lr`, which it is without degradation, but not fooled by blur (it looks
    like a steeper law), noise or compression (like a flatter one). An image that tells little of its exponent is
    held to that of photographs, 2.6 +- 0.4.

    Parameters
    ----------
    lr : array_like of shape (h, w) or (C, h, w)
        In [-1, 1].
    scale : float or (float, float)
        HR size over LR size.
    degradation : Degradation
    blur_std : float
        Standard error of its blur, in HR pixels, where that was estimated.

    Returns
    -------
    PowerLaw
        In HR units, with standard errors.

    Raises
    ------
    ScaleError, SpectrumError
        As `theory.spectra.fit_power_law_from_lr`.
    """
    if degradation == BICUBIC:
        return fit_power_law_from_lr(lr, scale)
    fit = fit_lr(lr, scale, degradation, fit_blur=False)
    pull = fit.pull * max(2 * degradation.blur_sigma, blur_std) * blur_std
    covariance = fit.covariance[:2, :2] + np.outer(pull, pull)
    std = np.sqrt(np.diag(covariance))
    pivot = np.exp(covariance[0, 1] / covariance[1, 1])
    return PowerLaw(
        float(np.exp(fit.log_amplitude)), fit.exponent, float(std[0]), float(std[1]), float(pivot)
    )
