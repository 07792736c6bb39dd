"""The blur of an LR image, told from the roll-off of its spectrum: the forward model of `theory.spectra.fit_lr`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from diffsr_toolkit.blind.measurement import Measurement
from theory.degradation import Degradation
from theory.scale import Scale, as_scale
from theory.spectra import fit_lr

_NATURAL_VARIANCE_STD = 0.07
"""Scatter of the fitted blur variance over unblurred photographs, in LR pixels squared, from the whole band up to
1/2 (measured); a shorter band tells less of a curvature, by the square of its length."""


def estimate_blur(
    lr: ArrayLike,
    scale: Scale,
    noise_std: float = 0.0,
    jpeg_quality: int | None = None,
) -> Measurement:
    """Gaussian blur before the downsampling, from the roll-off of the LR spectrum against a power law.

    Parameters
    ----------
    lr : array_like of shape (h, w) or (C, h, w)
        In [-1, 1], at least 32 pixels a side.
    scale : float or (float, float)
        HR size over LR size.
    noise_std, jpeg_quality
        Known noise and compression of the LR image.

    Returns
    -------
    Measurement
        Standard deviation in HR pixels. Photographs differ among themselves as much as a blur of about 0.27 LR
        pixels would make them, so less than 0.37 LR pixels counts as none.

    Raises
    ------
    ScaleError, SpectrumError
        As `theory.spectra.fit_power_law_from_lr`.
    """
    sy, sx = pair = as_scale(scale)
    fit = fit_lr(lr, pair, Degradation(noise_std=noise_std, jpeg_quality=jpeg_quality), fit_blur=True)
    natural = _NATURAL_VARIANCE_STD * sy * sx * (0.5 / fit.band) ** 2
    std = float(np.hypot(natural, fit.covariance[2, 2] ** 0.5))
    limit = (2 * std) ** 0.5
    if fit.blur_variance < limit**2:
        return Measurement(0.0, limit / 2, limit)
    value = fit.blur_variance**0.5
    return Measurement(value, std / (2 * value), limit)
