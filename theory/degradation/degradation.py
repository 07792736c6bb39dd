"""What happened to an image besides its bicubic downsampling, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from theory.errors import ToolkitError


@dataclass(frozen=True)
class Degradation:
    """What happens to an image besides the bicubic downsampling, in this order.

    Attributes
    ----------
    blur_sigma : float
        Standard deviation of a Gaussian blur before downsampling, in HR pixels.
    noise_std : float
        Standard deviation of white noise on the LR image, in units of [-1, 1].
    jpeg_quality : int or None
        Quality of a JPEG compression of the LR image, 1 to 100 on libjpeg's scale; None for no compression.
    """

    blur_sigma: float = 0.0
    noise_std: float = 0.0
    jpeg_quality: int | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.blur_sigma < np.inf and 0 <= self.noise_std < np.inf):
            raise ToolkitError(f"{self!r} must have a finite blur_sigma and noise_std of at least 0.")
        quality = self.jpeg_quality
        if quality is not None and not (
            isinstance(quality, int) and not isinstance(quality, bool) and 1 <= quality <= 100
        ):
            raise ToolkitError(f"{self!r} must have a jpeg_quality from 1 to 100, a whole number, or None.")

    def __str__(self) -> str:
        """The parts that are present, for people, or "bicubic"."""
        parts = []
        if self.blur_sigma:
            parts.append(f"blur of {self.blur_sigma:.3g} HR pixels")
        if self.noise_std:
            parts.append(f"noise of {self.noise_std:.3g}")
        if self.jpeg_quality is not None:
            parts.append(f"JPEG quality {self.jpeg_quality}")
        return ", ".join(parts) or "bicubic"


BICUBIC = Degradation()
"""Nothing but the bicubic kernel."""
