"""Statistics of the measured signature: information from a confusion table, feature distance, collapse."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffsr_toolkit.errors import ToolkitError

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


def confusion(first: ArrayLike, second: ArrayLike, classes: int) -> Counts:
    """Counts ``(classes, classes)`` of pairs of labels in ``0 .. classes - 1``."""
    first, second = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    return np.bincount(first * classes + second, minlength=classes**2).reshape(classes, classes)


def mutual_information(table: ArrayLike) -> float:
    """Mutual information of the two labels of a confusion table, in bits, with Miller and Madow's correction.

    The plug-in entropy of N draws that fall on m different values is too small by about ``(m - 1) / (2 N)``
    nats; each of ``H(first) + H(second) - H(both)`` is corrected. Without it independent labels of ten classes
    seem to share 0.2 bits in 300 draws; with it 0.1 bits remain of 200 draws and 0.01 of 500. The estimate can
    be slightly negative, which is not clipped, and is never above the plug-in entropy of the first label, since
    that one is known: classes are balanced by design.

    Parameters
    ----------
    table : array_like of shape (K, L)
        Counts, not all zero.

    Raises
    ------
    ToolkitError
        When the table is empty.

    References
    ----------
    G. Miller, "Note on the bias of information estimates", Information Theory in Psychology II-B, 1955.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.sum() <= 0:
        raise ToolkitError("the confusion table is empty: judge at least one image")
    parts = (counts.sum(axis=1), counts.sum(axis=0), counts.ravel())
    first, second, both = (_entropy(part[part > 0]) for part in parts)
    known = first - (np.count_nonzero(parts[0]) - 1) / (2 * counts.sum())
    return float(min(first + second - both, known) / np.log(2))


def _entropy(counts: Array) -> float:
    total = counts.sum()
    share = counts / total
    return float(-(share * np.log(share)).sum() + (len(counts) - 1) / (2 * total))


def frechet_distance(x: ArrayLike, y: ArrayLike) -> float:
    """Squared Frechet distance of two clouds of features, each taken as Gaussian.

    ``|m_x - m_y|^2 + tr(C_x + C_y - 2 (C_x C_y)^(1/2))``.

    Parameters
    ----------
    x, y : array_like of shape (N, D), (M, D)
        N and M at least 2; with fewer samples than dimensions the value is biased, alike for all clouds of a size.

    Raises
    ------
    ToolkitError
        When the shapes do not fit.

    References
    ----------
    D. Dowson, B. Landau, "The Frechet distance between multivariate normal distributions", J. Multivariate
    Analysis 12, 1982; on a network's features: Heusel et al., "GANs trained by a two time-scale update rule",
    NeurIPS 2017.
    """
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.ndim != 2 or first.shape[1:] != second.shape[1:] or min(len(first), len(second)) < 2:
        raise ToolkitError(f"features {first.shape} and {second.shape}: give (N, D) and (M, D) with N, M > 1")
    shift = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
    # The trace of the root of C_x C_y is the sum of the singular values of the product of the two factors.
    roots = [(cloud - cloud.mean(axis=0)) / np.sqrt(len(cloud) - 1) for cloud in (first, second)]
    cross = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    spread = sum(np.square(root).sum() for root in roots)
    return float(max(0.0, shift + spread - 2 * cross))


def collapse_timestep(t: ArrayLike, values: ArrayLike, loss: float, chance: float = 0.0) -> float:
    """Timestep from which a curve has lost the share ``loss`` of what it has above chance.

    What it has is its largest value; the crossing is the last one downwards, interpolated linearly in t.

    Parameters
    ----------
    t : array_like of shape (T,)
        Rising timesteps.
    values : array_like of shape (T,)
        Retention, accuracy or information.
    loss : float
        In (0, 1): 0.5 is halfway to chance.
    chance : float
        Value of a restoration that knows nothing of its original.

    Returns
    -------
    float
        ``inf`` when the curve stays above to the last timestep measured.
    """
    t, values = np.asarray(t, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if t.ndim != 1 or values.shape != t.shape or not np.all(np.diff(t) > 0):
        raise ToolkitError(f"t {t.shape} and values {values.shape}: give two lists of one length, t rising")
    if not 0 < loss < 1:
        raise ToolkitError(f"loss={loss} is no share of what can be lost: give a number between 0 and 1")
    level = values.max() - loss * (values.max() - chance)
    last = int(np.flatnonzero(values >= level)[-1])
    if last == len(t) - 1:
        return float(np.inf)
    fraction = (values[last] - level) / (values[last] - values[last + 1])
    return float(t[last] + fraction * (t[last + 1] - t[last]))
