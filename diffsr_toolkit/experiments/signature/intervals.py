"""Intervals over pictures: one set of resamples serves every statistic, since all are of the same pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffsr_toolkit.experiments.signature.statistics import collapse_timestep, mutual_information
from diffsr_toolkit.stats import Interval

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


def bootstrap_picks(images: int, resamples: int = 1000, seed: int = 0) -> Counts:
    """Indices ``(resamples, images)`` of images drawn with replacement."""
    return np.random.default_rng(seed).integers(images, size=(resamples, images))


def centred_interval(
    value: float, resampled: ArrayLike, limits: tuple[float, float] = (-np.inf, np.inf)
) -> Interval:
    """Central 95 % of a bootstrap, moved so that its mean is the estimate, within ``limits``.

    Resampling a finite table adds a bias of its own to an information estimate, which is the same in every
    resample and says nothing about the spread.
    """
    values = np.asarray(resampled, dtype=np.float64)
    low, high = np.quantile(values - values.mean(), (0.025, 0.975)) + value
    return Interval(float(value), float(np.clip(low, *limits)), float(np.clip(high, *limits)))


def share_interval(seen: Counts, wanted: Counts, picks: Counts) -> Interval:
    """Share of equal labels, with its interval over the resamples ``picks``."""
    hits = (seen == wanted).astype(np.float64)
    return centred_interval(float(hits.mean()), hits[picks].mean(axis=1), (0.0, 1.0))


def information_interval(first: ArrayLike, second: ArrayLike, classes: int, picks: Counts) -> Interval:
    """Mutual information in bits of two labels, with its interval over the resamples ``picks``."""
    code = np.asarray(first, dtype=np.int64) * classes + np.asarray(second, dtype=np.int64)

    def information(codes: Counts) -> float:
        return mutual_information(np.bincount(codes, minlength=classes**2).reshape(classes, classes))

    resampled = [information(code[pick]) for pick in picks]
    return centred_interval(information(code), resampled, (0.0, float(np.log2(classes))))


def collapse_interval(
    t: ArrayLike,
    curve: Callable[[Counts], Array],
    images: int,
    picks: Counts,
    loss: float,
    chance: float = 0.0,
) -> Interval:
    """Collapse of a curve with its percentile interval over images.

    The resampled curves are moved so that their mean is the curve, for the reason given at `centred_interval`.

    Parameters
    ----------
    curve : callable
        Values over ``t`` for the images of an index array.
    """
    measured = curve(np.arange(images))
    curves = np.array([curve(pick) for pick in picks])
    curves += measured - curves.mean(axis=0)
    value = collapse_timestep(t, measured, loss, chance)
    resampled = np.array([collapse_timestep(t, values, loss, chance) for values in curves])
    # Order statistics, since an interpolation between a finite and an infinite collapse means nothing.
    low, high = np.quantile(resampled, (0.025, 0.975), method="nearest")
    return Interval(value, float(low), float(high))
