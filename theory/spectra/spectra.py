"""Power spectra of images: measured radially, and fitted by a power law.

Convention: ``S_f = |FFT(x)|^2 / N`` for values x in [-1, 1] and N pixels, so white noise of variance v has S = v
at every frequency. Frequencies are radial, in cycles per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.degradation import down_transfer
from theory.errors import SpectrumError
from theory.scale import Scale, as_scale

Array = NDArray[np.float64]

MIN_SIZE = 8
"""Smallest image side, in pixels, whose spectrum is measured."""

_HANN_INDEPENDENCE = 0.27
"""Share of independent periodogram values left by a 2-D Hann window, whose neighbours overlap: (18/35)^2."""


_MIN_GAIN = 0.5
"""Least gain of the down-kernel at which an LR image still tells the HR spectrum; folding dominates below."""


@dataclass(frozen=True)
class PowerLaw:
    """Spectrum ``S(f) = amplitude * f ** -exponent``, f in cycles per HR pixel.

    Attributes
    ----------
    amplitude : float
        A: the power that the law has at one cycle per pixel (squared units of x in [-1, 1]).
    exponent : float
        a: about 2 to 3 for photographs, 0 for white noise.
    amplitude_log_std, exponent_std : float
        Standard errors of log A and of a (0 for a law that was given, not fitted).
    pivot : float
        Frequency at which the fit's level and slope are uncorrelated: the weighted geometric mean of the fitted range.
    """

    amplitude: float
    exponent: float
    amplitude_log_std: float = 0.0
    exponent_std: float = 0.0
    pivot: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.amplitude < np.inf and np.isfinite(self.exponent)):
            raise SpectrumError(
                f"PowerLaw(amplitude={self.amplitude}, exponent={self.exponent}) is not a spectrum; the amplitude "
                "must be positive and both finite."
            )

    def __call__(self, f: ArrayLike) -> Array:
        """Power spectral density at frequency f (cycles per pixel, f > 0)."""
        return self.amplitude * np.asarray(f, dtype=np.float64) ** -self.exponent

    def pooled(self, reference: PowerLaw, share: float) -> PowerLaw:
        """Between a reference law and this one: geometric in power, `share` of the way, in [0, 1].

        Partial pooling: of an image's deviation from the common spectrum only a share carries over to its best
        noise level, because a network works on local contrast, which varies less between images than power does.
        """
        if not 0 <= share <= 1:
            raise SpectrumError(f"share = {share} must lie in [0, 1]: 0 is the reference, 1 the image alone.")
        return PowerLaw(
            amplitude=float(self.amplitude**share * reference.amplitude ** (1 - share)),
            exponent=share * self.exponent + (1 - share) * reference.exponent,
            amplitude_log_std=share * self.amplitude_log_std,
            exponent_std=share * self.exponent_std,
            pivot=self.pivot,
        )

    def log_std(self, f: ArrayLike) -> Array:
        """Standard error of log S(f): least at the pivot, growing with the distance of an extrapolation."""
        log_f, log_pivot = np.log(np.asarray(f, dtype=np.float64)), np.log(self.pivot)
        at_pivot = self.amplitude_log_std**2 - (log_pivot * self.exponent_std) ** 2
        return np.sqrt(np.maximum(at_pivot, 0) + ((log_f - log_pivot) * self.exponent_std) ** 2)


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
    power, fy, fx = _periodogram(image)
    return _rings(power, np.hypot(fy[:, None], fx[None, :]), 1 / min(power.shape))


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
    power, fy, fx = _periodogram(lr)
    inside = np.hypot(fy[:, None], fx[None, :]) <= 0.5 + 0.5 / min(power.shape)
    fy, fx = fy / sy, fx / sx
    gain = down_transfer(fy, sy)[:, None] * down_transfer(fx, sx)[None, :]
    radius = np.hypot(fy[:, None], fx[None, :])
    width = max(1 / (sy * power.shape[0]), 1 / (sx * power.shape[1]))
    usable = inside & (gain > _MIN_GAIN)
    hr_power = sy * sx * power / np.where(usable, gain, 1.0) ** 2
    return _fit(_rings(hr_power, np.where(usable, radius, np.inf), width), 1.5 * width, np.inf)


def _periodogram(image: ArrayLike) -> tuple[Array, Array, Array]:
    """Windowed |FFT|^2 / N, mean over channels, with its frequencies on both axes."""
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


def _frequencies(n: int) -> Array:
    return np.asarray(np.fft.fftfreq(n), dtype=np.float64)


def _hann(n: int) -> Array:
    """Periodic-midpoint Hann window of mean square 1."""
    window = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
    return window / np.sqrt(np.mean(window**2))


def _rings(power: Array, radius: Array, width: float) -> RadialPSD:
    """Averages of a periodogram over rings of this width, centred on its multiples; DC is left out."""
    keep = np.isfinite(radius) & (radius > 0)
    index = np.rint(radius[keep] / width).astype(np.int64)
    count = np.bincount(index).astype(np.float64)
    full = count > 0
    full[0] = False
    frequency = np.bincount(index, weights=radius[keep])[full] / count[full]
    psd = np.bincount(index, weights=power[keep])[full] / count[full]
    floor = np.finfo(np.float64).tiny
    return RadialPSD(frequency, np.maximum(psd, floor), count[full])


def _fit(rings: RadialPSD, f_min: float, f_max: float) -> PowerLaw:
    chosen = (rings.frequency >= f_min) & (rings.frequency <= f_max)
    if chosen.sum() < 3:
        raise SpectrumError(
            f"Only {int(chosen.sum())} rings lie in [{f_min:.4g}, {f_max:.4g}] cycles per pixel; a power law needs 3. "
            "Widen the range or give a larger image."
        )
    independent = np.maximum(_HANN_INDEPENDENCE * rings.count[chosen] / 2, 1.0)
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
