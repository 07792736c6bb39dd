"""The power law of an image: fitted to its measured spectrum, or to that of its LR version alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.degradation import down_transfer
from theory.errors import SpectrumError
from theory.scale import Scale, as_scale
from theory.spectra.power_law import PowerLaw
from theory.spectra.radial import RadialPSD, periodogram, radial_psd, ring_means

Array = NDArray[np.float64]

_MIN_GAIN = 0.5
"""Least gain of the down-kernel at which an LR image still tells the HR spectrum; folding dominates below."""


def fit_power_law(image: ArrayLike | RadialPSD, f_min: float | None = None, f_max: float = 0.5) -> PowerLaw:
    """Fit ``A f^-a`` to an image's spectrum by weighted least squares in log-log coordinates.

    Parameters
    ----------
    image : array_like of shape (H, W) or (C, H, W), or RadialPSD
        Values in [-1, 1], or a spectrum already measured.
    f_min, f_max : float
        Range of the fit in cycles per pixel, widened by half a ring. By default from the second ring (the window
        smears the first) to Nyquist.

    Returns
    -------
    PowerLaw
        With standard errors, scaled up where the spectrum scatters more than chance around the law.

    Raises
    ------
    SpectrumError
        As `radial_psd`, and if fewer than 3 rings lie in the range.
    """
    rings = image if isinstance(image, RadialPSD) else radial_psd(image)
    width = float(np.median(np.diff(rings.frequency)))
    low = 2 * width if f_min is None else f_min
    return _fit(rings, low - width / 2, f_max + width / 2)


def fit_power_law_from_lr(lr: ArrayLike, scale: Scale) -> PowerLaw:
    """Fit the HR image's power law from its LR version alone, to be extrapolated past the cut-off.

    Frequencies and power are carried to HR units, ``f_hr = f_lr / s`` on each axis and
    ``S_hr = s_y s_x S_lr / |K|^2`` with the bicubic kernel's gain K, over the part of the band where K stays
    above 1/2 (beyond, folding dominates).

    Parameters
    ----------
    lr : array_like of shape (h, w) or (C, h, w)
        LR image in [-1, 1], bicubically downsampled by `scale`; h and w at least `MIN_SIZE`.
    scale : float or (float, float)
        HR size over LR size.

    Returns
    -------
    PowerLaw
        In HR units: cycles per HR pixel.

    Raises
    ------
    ScaleError
        If the scale is not at least 1.
    SpectrumError
        As `fit_power_law`.
    """
    sy, sx = as_scale(scale)
    power, fy, fx = periodogram(lr)
    inside = np.hypot(fy[:, None], fx[None, :]) <= 0.5 + 0.5 / min(power.shape)
    fy, fx = fy / sy, fx / sx
    gain = down_transfer(fy, sy)[:, None] * down_transfer(fx, sx)[None, :]
    radius = np.hypot(fy[:, None], fx[None, :])
    width = max(1 / (sy * power.shape[0]), 1 / (sx * power.shape[1]))
    usable = inside & (gain > _MIN_GAIN)
    hr_power = sy * sx * power / np.where(usable, gain, 1.0) ** 2
    return _fit(ring_means(hr_power, np.where(usable, radius, np.inf), width), 1.5 * width, np.inf)


def _fit(rings: RadialPSD, f_min: float, f_max: float) -> PowerLaw:
    chosen = (rings.frequency >= f_min) & (rings.frequency <= f_max)
    if chosen.sum() < 3:
        raise SpectrumError(
            f"Only {int(chosen.sum())} rings lie in [{f_min:.4g}, {f_max:.4g}] cycles per pixel; a power law needs 3. "
            "Widen the range or give a larger image."
        )
    independent = rings.independent[chosen]
    x = np.log(rings.frequency[chosen])
    y = np.log(rings.psd[chosen]) + 0.5 / independent
    slope, intercept, variances = _weighted_line(x, y, independent)
    return PowerLaw(
        amplitude=float(np.exp(intercept)),
        exponent=float(-slope),
        amplitude_log_std=float(variances[0] ** 0.5),
        exponent_std=float(variances[1] ** 0.5),
        pivot=float(np.exp((independent * x).sum() / independent.sum())),
    )


def _weighted_line(x: Array, y: Array, weight: Array) -> tuple[float, float, tuple[float, float]]:
    """Slope and intercept with their variances, from weights that are inverse variances."""
    total = weight.sum()
    mean_x, mean_y = (weight * x).sum() / total, (weight * y).sum() / total
    spread = (weight * (x - mean_x) ** 2).sum()
    slope = (weight * (x - mean_x) * (y - mean_y)).sum() / spread
    intercept = mean_y - slope * mean_x
    chi2 = (weight * (y - intercept - slope * x) ** 2).sum() / max(len(x) - 2, 1)
    inflate = max(1.0, chi2)
    return slope, intercept, (inflate * (1 / total + mean_x**2 / spread), inflate / spread)
