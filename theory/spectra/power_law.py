"""The power law, the spectrum that photographs have on the average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import SpectrumError

Array = NDArray[np.float64]


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
