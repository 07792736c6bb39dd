"""The one bootstrap of a mean that tables state beside it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

RESAMPLES = 2000


class Interval(NamedTuple):
    """A value with its 95 % interval.

    Attributes
    ----------
    value, low, high : float
    """

    value: float
    low: float
    high: float


def mean_interval(values: ArrayLike, seed: int | np.random.Generator = 0) -> Interval:
    """Mean with its 95 % percentile-bootstrap interval.

    Parameters
    ----------
    values : array_like of shape (n,)
        One independent number each, such as a photograph's; those that are not finite are left out.
    seed : int or numpy.random.Generator
        Of the resamples; a generator goes on where it stands.

    Returns
    -------
    Interval
        Of a single value that value itself; nan of none.

    References
    ----------
    Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    from scipy.stats import bootstrap

    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    mean = float(known.mean()) if len(known) else math.nan
    if len(known) < 2:
        return Interval(mean, mean, mean)
    rng = np.random.default_rng(seed)
    found = bootstrap((known,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=rng)
    low, high = found.confidence_interval
    return Interval(mean, float(low), float(high))
