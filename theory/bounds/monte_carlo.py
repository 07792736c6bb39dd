"""Monte-Carlo means that carry their standard error, and the exact distances of Gaussians they are checked with."""

from __future__ import annotations

from math import erf, log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import SpectrumError

Array = NDArray[np.float64]


class UncertainValue(NamedTuple):
    """A number with its standard error (0 where it is exact)."""

    value: float
    std_error: float = 0.0


def mean_of(values: ArrayLike) -> UncertainValue:
    """Mean of independent draws; of a table (k, n) of k draws in each of n equally likely strata.

    The strata share of the variance is no error: with k >= 2 only the scatter within the strata counts.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim == 2 and len(table) >= 2:
        variance = float(np.mean(np.var(table, axis=0, ddof=1)))
    else:
        variance = float(np.var(table, ddof=1))
    return UncertainValue(float(np.mean(table)), sqrt(variance / table.size))


def divergence_terms(log_ratio: Array, small: bool) -> Array:
    """Terms whose mean under p is ``KL(p || q)``, from ``log q / p`` at draws from p.

    ``-log r``, and where the divergence is known to be small ``r - 1 - log r``: since ``E_p r = 1`` it has the same
    mean, is never negative, and its scatter vanishes with the divergence. With a large divergence the mean of r
    would hang on draws too rare to occur.
    """
    return np.expm1(log_ratio) - log_ratio if small else -log_ratio


def gaussian_w2(power: ArrayLike, other: ArrayLike) -> float:
    """Exact W2 of two zero-mean Gaussians with the same modes: ``sqrt(sum (sqrt(a) - sqrt(b))^2)``."""
    a, b = np.asarray(power, dtype=np.float64), np.asarray(other, dtype=np.float64)
    return float(np.sqrt(np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)))


def gaussian_tv(power: ArrayLike, other: ArrayLike, samples: int = 4000, seed: int = 0) -> UncertainValue:
    """Total variation of two zero-mean Gaussians with the same modes.

    One mode: exact, ``erf(x / sqrt(2 a)) - erf(x / sqrt(2 b))`` with a < b and x where the densities cross. More:
    Monte Carlo of ``E max(0, 1 - q / p)``.

    Parameters
    ----------
    power, other : array_like of shape (m,)
        Positive variances of the modes.
    samples, seed : int
        Draws from the first law.

    Returns
    -------
    UncertainValue
        In [0, 1]; its error is at most ``0.5 / sqrt(samples)``.

    Raises
    ------
    SpectrumError
        If a variance is not positive.
    """
    p, q = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(v, dtype=np.float64)).ravel() for v in (power, other))
    )
    if not (np.all(p > 0) and np.all(q > 0)):
        raise SpectrumError("a variance is not above 0; add the noise's before comparing densities.")
    if p.size == 1:
        low, high = sorted((float(p[0]), float(q[0])))
        if low == high:
            return UncertainValue(0.0)
        crossing = sqrt(log(high / low) * low * high / (high - low))
        return UncertainValue(erf(crossing / sqrt(2 * low)) - erf(crossing / sqrt(2 * high)))
    square = np.random.default_rng(seed).standard_normal((samples, p.size)) ** 2
    log_ratio = 0.5 * (square @ (1 - p / q) + np.sum(np.log(p / q)))
    return mean_of(-np.expm1(np.minimum(log_ratio, 0.0)))
