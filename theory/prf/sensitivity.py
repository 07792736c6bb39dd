"""What a quality metric charges for an error, band by band.

PSNR charges every squared error alike. A perceptual metric does not: measured on photographs, deep features charge
about equally for losing any octave of an image, whatever power that octave had (they see contrast *relative* to the
image's own spectrum), and charge more for power that does not belong there than for power that is missing. Both
facts are measured on the metric itself, never on restorations, so they tune nothing.

A loss of the share ``1 - K`` of a band and an incoherent share I together cost ``coherent (1 - K)^2 + incoherent I``.

This is the project's own analysis, in the spirit of contrast sensitivity functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import ToolkitError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Charges of one metric.

    Attributes
    ----------
    metric : str
    frequency : ndarray of shape (n,)
        Rising, in cycles per pixel.
    octave : ndarray of shape (n,)
        Charge for losing one octave of the image around each frequency; empty for an absolute metric, which
        charges every squared error alike.
    excess : float
        Charge of incoherent power over that of a missing share of equal power, positive; 1 for PSNR.
    """

    metric: str
    frequency: Array
    octave: Array
    excess: float = 1.0

    def __post_init__(self) -> None:
        if np.shape(self.frequency) != np.shape(self.octave) or np.any(np.diff(self.frequency) <= 0):
            raise ToolkitError(
                f"sensitivity of {self.metric!r} needs one charge a frequency, at rising frequencies; got shapes "
                f"{np.shape(self.frequency)} and {np.shape(self.octave)}."
            )
        if not 0 < self.excess < np.inf or np.any(np.asarray(self.octave) < 0):
            raise ToolkitError(
                f"sensitivity of {self.metric!r}: excess = {self.excess} must be positive, and no charge negative."
            )

    @classmethod
    def squared_error(cls, metric: str = "psnr") -> Sensitivity:
        """Of a metric that falls with the squared error alone."""
        return cls(metric, np.empty(0), np.empty(0))

    @classmethod
    def from_dict(cls, metric: str, stored: Mapping[str, Any]) -> Sensitivity:
        """From the lists ``frequency`` and ``octave`` and the number ``excess``."""
        frequency, octave = (np.array(stored[name], dtype=np.float64) for name in ("frequency", "octave"))
        return cls(metric, frequency, octave, float(stored["excess"]))

    @property
    def is_relative(self) -> bool:
        """Whether the metric sees contrast relative to the image's own spectrum."""
        return len(self.frequency) > 0

    def charge(self, f: ArrayLike, psd: ArrayLike) -> tuple[Array, Array]:
        """Density per area of the frequency plane of the coherent and of the incoherent charge.

        Parameters
        ----------
        f : array_like
            Cycles per pixel, positive.
        psd : array_like
            S(f) of the image.
        """
        if not self.is_relative:
            coherent = np.asarray(psd, dtype=np.float64)
        else:
            f = np.asarray(f, dtype=np.float64)
            octave = np.interp(np.log(f), np.log(self.frequency), self.octave)
            # An octave of the plane has area proportional to f^2.
            coherent = octave / (2 * np.pi * np.log(2) * f**2)
        return coherent, self.excess * coherent
