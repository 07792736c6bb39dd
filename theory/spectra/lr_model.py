"""The spectrum of an LR image as a forward model: power law, blur, kernel with folding, and noise.

``S_lr(f) = mean over directions of sum over folds A g^-a exp(-4 pi^2 sigma^2 g^2) |K|^2 / (s_y s_x) + noise^2``,
with g the HR frequencies that reach LR frequency f, fitted to the log of the ring-averaged periodogram.

This is the project's own derivation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.degradation import down_transfer
from theory.spectra.radial import RadialPSD

Array = NDArray[np.float64]

ANGLES = 6
"""Directions over which a ring is averaged."""

_EXPONENT, _EXPONENT_STD = 2.6, 0.4
"""Prior on the HR exponent: photographs of all kinds."""

_RING_SCATTER = 0.15
"""How far rings of photographs stray from a smooth law, in log power."""

ROUNDING_VARIANCE = (2 / 255) ** 2 / 12
"""Of 8-bit levels, in units of [-1, 1]: no ring near it is trusted, and no floor is lower."""


class LRFit(NamedTuple):
    """Parameters of the forward model, ``(log A, a, sigma^2)``, with their covariance.

    `band` is the highest frequency, in cycles per LR pixel, at which the image still rises above the noise; `pull`
    is how a known sigma^2 that is off by one moves ``(log A, a)``.
    """

    log_amplitude: float
    exponent: float
    blur_variance: float
    covariance: Array
    band: float
    pull: Array


@dataclass(frozen=True, eq=False)
class LRModel:
    """The forward model on the rings of one LR image.

    Attributes
    ----------
    rings : RadialPSD
        Of the LR image, over cycles per LR pixel, up to 1/2.
    scale : (float, float)
        HR size over LR size.
    noise_std : float
        White noise on the LR image.
    """

    rings: RadialPSD
    scale: tuple[float, float]
    noise_std: float

    @property
    def floor(self) -> float:
        """Power that is not the image's."""
        return self.noise_std**2 + ROUNDING_VARIANCE

    @cached_property
    def _folds(self) -> tuple[Array, Array]:
        """Log of the squared HR frequencies and weights, each of shape (folds, rings, angles)."""
        angle = (np.arange(ANGLES) + 0.5) * np.pi / (2 * ANGLES)
        fy = self.rings.frequency[:, None] * np.sin(angle)
        fx = self.rings.frequency[:, None] * np.cos(angle)
        (sy, sx), log_g2, weight = self.scale, [], []
        for j, i in product((0, -1, 1), repeat=2):
            y, x = (fy + j) / sy, (fx + i) / sx
            gain = (down_transfer(y, sy) * down_transfer(x, sx)) ** 2
            exists = (np.abs(y) <= 0.5) & (np.abs(x) <= 0.5)
            if exists.any():
                log_g2.append(np.log(np.maximum(y**2 + x**2, 1e-8)))
                weight.append(np.where(exists, gain, 0.0) / (ANGLES * sy * sx))
        return np.array(log_g2), np.array(weight)

    def evaluate(self, parameters: Array) -> tuple[Array, Array]:
        """Log of the modelled ring power, and its gradient, shape (rings, 3)."""
        log_g2, weight = self._folds
        g2 = np.exp(log_g2)
        log_a, exponent, variance = parameters
        power = weight * np.exp(log_a - exponent / 2 * log_g2 - 4 * np.pi**2 * variance * g2)
        total = power.sum(axis=(0, 2))
        slopes = (power, -0.5 * log_g2 * power, -4 * np.pi**2 * g2 * power)
        modelled = total + self.floor
        return np.log(modelled), np.stack([s.sum(axis=(0, 2)) for s in slopes], axis=1) / modelled[:, None]

    def fit(self, correction: Array, usable: Array, blur_sigma: float | None = None) -> LRFit:
        """Weighted least squares in log power.

        Parameters
        ----------
        correction : ndarray of shape (rings,)
            Log of what a compression did to the rings' power.
        usable : ndarray of bool, shape (rings,)
        blur_sigma : float, optional
            Known blur; else it is fitted.
        """
        from scipy.optimize import least_squares

        count = self.rings.independent
        target = np.log(self.rings.psd) + 0.5 / count - correction
        deviation = np.sqrt(1 / count + _RING_SCATTER**2 + (correction / 2) ** 2)
        squared = self.scale[0] * self.scale[1]
        first = np.array([0.0, _EXPONENT, 0.1 * squared if blur_sigma is None else blur_sigma**2])
        first[0] = float(target[usable][0] - self.evaluate(first)[0][usable][0])
        free = np.array([True, True, blur_sigma is None])

        def expand(p: Array) -> Array:
            full = first.copy()
            full[free] = p
            return full

        def residuals(p: Array) -> Array:
            full = expand(p)
            fitted = ((self.evaluate(full)[0] - target) / deviation)[usable]
            return np.append(fitted, (full[1] - _EXPONENT) / _EXPONENT_STD)

        def jacobian(p: Array) -> Array:
            slopes = (self.evaluate(expand(p))[1] / deviation[:, None])[usable]
            return np.vstack([slopes, [0, 1 / _EXPONENT_STD, 0]])[:, free]

        low = np.array([-60.0, -1.0, -0.3 * squared])[free]
        high = np.array([60.0, 6.0, 4.0 * squared])[free]
        found = least_squares(
            residuals, np.clip(first[free], low, high), jacobian, bounds=(low, high),
            x_scale=np.array([1.0, 0.3, 0.2 * squared])[free],
        )  # fmt: skip
        inflate = max(1.0, 2 * found.cost / max(int(usable.sum()) - 2, 1))
        covariance = np.zeros((3, 3))
        information = found.jac.T @ found.jac
        covariance[np.ix_(free, free)] = np.linalg.pinv(information) * inflate
        full = expand(found.x)
        above = usable & (self.evaluate(full)[0] > np.log(2 * self.floor))
        band = float(self.rings.frequency[above if above.any() else usable].max())
        slopes = np.vstack([(self.evaluate(full)[1] / deviation[:, None])[usable], [0, 1 / _EXPONENT_STD, 0]])
        pull = -np.linalg.pinv(slopes[:, :2]) @ slopes[:, 2]
        return LRFit(float(full[0]), float(full[1]), float(full[2]), covariance, band, pull)
