"""From curves over the noise level to the field: where R and L meet their tolerances, where a criterion is least."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.scale import ScalePair

Array = NDArray[np.float64]

WIDEST = (-20.0, 26.0)
"""Log-SNRs that hold every image's field."""


@dataclass(frozen=True, eq=False)
class Curves:
    """What a level of the theory says over noise levels; arrays of one shape.

    Attributes
    ----------
    realism : ndarray
        Realism deficit R.
    signature : ndarray
        Signature loss L.
    objective : ndarray
        What the optimum minimises.
    """

    realism: Array
    signature: Array
    objective: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class ScannedField(ABC):
    """A field that is found by scanning its curves, then refining.

    Attributes
    ----------
    scale : (float, float)
        (s_y, s_x), each at least 1.
    eps_realism, eps_signature : float
        Tolerances in (0, 1).
    log_snr_range : (float, float)
        Where to search.
    grid_points : int
        Of the scan.
    """

    scale: tuple[float, float]
    eps_realism: float
    eps_signature: float
    log_snr_range: tuple[float, float]
    grid_points: int = 49

    @abstractmethod
    def curves(self, log_snr: ArrayLike) -> Curves:
        """R, L and the criterion at these log-SNRs, as 1-D arrays."""

    @property
    def nothing_is_missing(self) -> bool:
        """Whether the upsampled image is the original, so that the least noise is best."""
        return self.scale == (1.0, 1.0)

    def realism_deficit(self, snr: ArrayLike) -> Array:
        """R at these SNRs, in [0, 1] (more only if the sampler adds power that no image has)."""
        return self.curves(np.log(snr)).realism.reshape(np.shape(snr))

    def signature_loss(self, snr: ArrayLike) -> Array:
        """L at these SNRs, in [0, 1]."""
        return self.curves(np.log(snr)).signature.reshape(np.shape(snr))

    @cached_property
    def _scan(self) -> tuple[Array, Curves]:
        level = np.linspace(*self.log_snr_range, self.grid_points)
        return level, self.curves(level)

    @cached_property
    def log_snr_low(self) -> float:
        """Largest log-SNR with R <= eps_realism; -inf if there is none, inf if nothing is missing."""
        level, scanned = self._scan
        good = scanned.realism <= self.eps_realism
        if not good.any():
            return -np.inf
        last = int(np.flatnonzero(good)[-1])
        if last == len(level) - 1:
            return np.inf
        return self._root(lambda c: c.realism - self.eps_realism, level[last], level[last + 1])

    @cached_property
    def log_snr_high(self) -> float:
        """Smallest log-SNR with L <= eps_signature; inf if there is none."""
        level, scanned = self._scan
        good = scanned.signature <= self.eps_signature
        if not good.any():
            return np.inf
        first = int(np.flatnonzero(good)[0])
        if first == 0:
            return -np.inf
        return self._root(lambda c: c.signature - self.eps_signature, level[first - 1], level[first])

    @property
    def excess_loss(self) -> float:
        """L at t_low less its tolerance: the field is open where this is not positive (1 where R never is met)."""
        if np.isneginf(self.log_snr_low):
            return 1.0
        level = min(self.log_snr_low, self.log_snr_range[1])
        return float(self.curves(level).signature[0]) - self.eps_signature

    @cached_property
    def log_snr_opt(self) -> float:
        """Log-SNR that minimises the criterion; inf if nothing is missing."""
        from scipy.optimize import minimize_scalar

        if self.nothing_is_missing:
            return np.inf
        level, scanned = self._scan
        best = int(np.argmin(scanned.objective))
        bounds = (level[max(best - 1, 0)], level[min(best + 1, len(level) - 1)])
        found = minimize_scalar(
            lambda x: float(self.curves(x).objective[0]),
            bounds=bounds, method="bounded", options={"xatol": 1e-7},
        )  # fmt: skip
        return float(found.x)

    def _root(self, gap: Callable[[Curves], Array], low: float, high: float) -> float:
        from scipy.optimize import brentq

        return float(brentq(lambda x: float(gap(self.curves(x))[0]), low, high, xtol=1e-10))


def scanned_critical_scale(field: Callable[[ScalePair], ScannedField], largest: float) -> float:
    """Last scale, the same on both axes, at which the field changes from open to empty.

    Parameters
    ----------
    field : callable
        The field of a scale.
    largest : float
        Where the search ends, and what is returned where the field is open still; 1 where it never is.
    """
    from scipy.optimize import brentq

    def excess(log_scale: float) -> float:
        scale = float(np.exp(log_scale))
        return field(ScalePair(scale, scale)).excess_loss

    grid = np.linspace(np.log(1.02), np.log(largest), 8)
    is_open = [excess(x) <= 0 for x in grid]
    if not any(is_open):
        return 1.0
    last = max(i for i, good in enumerate(is_open) if good)
    if last == len(grid) - 1:
        return float(largest)
    return float(np.exp(brentq(excess, grid[last], grid[last + 1], xtol=1e-3)))
