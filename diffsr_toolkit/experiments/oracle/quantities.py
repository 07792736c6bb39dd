"""Predicted beside measured: the statistics of restored Gaussian fields, each with its Monte-Carlo error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Coefficients = NDArray[np.float64] | NDArray[np.complex128]

_BATCHES = 16
_ROUND_OFF = 1e-5


@dataclass(frozen=True, eq=False)
class Expected:
    """What the theory says of each of m coefficients; arrays of shape (m,).

    Attributes
    ----------
    psd, power, squared_error : ndarray
        Of the original, of the restoration, and between them.
    bands : dict of str to ndarray of bool
        Coefficients that are summed up together.
    state_power, gain, fresh : ndarray or None
        Power of the injected state z, what the sampler multiplies it by, and the fresh noise's power after
        that; None where the restoration depends on more than z.
    """

    psd: Array
    power: Array
    squared_error: Array
    bands: dict[str, NDArray[np.bool_]]
    state_power: Array | None = None
    gain: Array | None = None
    fresh: Array | None = None


@dataclass(frozen=True, eq=False)
class FollowedPath:
    """What the theory makes of the very state and noise that the sampler had.

    Attributes
    ----------
    followed : ndarray of shape (n, m)
        The restorations.
    power : ndarray of shape (m,)
        Their expected power, from what the path makes of unit inputs and what the LR image or the injected state
        has; none of the restoration's moments, which are tested, enters.
    """

    followed: Coefficients
    power: Array


@dataclass(frozen=True)
class Row:
    """One quantity, predicted and measured.

    Attributes
    ----------
    quantity : str
    predicted, measured : float
    standard_error : float
        Monte-Carlo error of `measured`, and float32's where that is larger.
    """

    quantity: str
    predicted: float
    measured: float
    standard_error: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "standard_error", max(self.standard_error, _ROUND_OFF * abs(self.predicted)))


def rows(
    expected: Expected,
    original: Coefficients,
    restored: Coefficients,
    state: Coefficients | None = None,
    path: FollowedPath | None = None,
) -> list[Row]:
    """Compare coefficients ``(n, m)`` of n independent fields with what is expected of them.

    Quantities: "mse" and "psnr" per value; "power" of each band as its mean ratio to the original's; "frechet", the
    squared Frechet distance of the coefficients' laws, per value. If `state` is given also, of each band, the power
    of the "start" z as its mean ratio to the expected, the "gain" from z, and the "variance" around it.

    With a `path` also "path", the power of the paths themselves; and "frechet" from the path's exact power and what
    the sampler's differs from it by: so small a number that chance would hide it otherwise.
    """
    error = _power(restored - original).mean(1)
    found = [_mean("mse", float(expected.squared_error.mean()), error)]
    mse = found[0]
    found.append(
        Row(
            "psnr",
            10 * float(np.log10(4 / mse.predicted)),
            10 * float(np.log10(4 / mse.measured)),
            10 / log(10) * mse.standard_error / mse.measured,
        )
    )
    power, explained = _controlled_power(expected, original, restored, state)
    share = power / expected.psd
    for name, band in expected.bands.items():
        predicted = float((expected.power / expected.psd)[band].mean())
        found.append(_mean(f"power, {name}", predicted, share[:, band].mean(1)))
    if state is not None and expected.gain is not None and expected.fresh is not None:
        found += _state_rows(expected, state, restored)
    if path is not None:
        own = _power(path.followed)
        found.append(Row("path", float(own.mean()), float(_power(restored).mean()), 0.0))
        power, explained = _power(restored) - own + path.power, np.ones_like(explained)
    return [*found, _frechet(expected, power, explained, np.iscomplexobj(restored))]


def pooled(batches: Sequence[Sequence[Row]]) -> list[Row]:
    """The same quantities from independent batches of equal size: means, and the error of the measured one."""
    return [
        Row(
            same[0].quantity,
            # A path's own power is another in each batch.
            float(np.mean([row.predicted for row in same])),
            float(np.mean([row.measured for row in same])),
            float(np.linalg.norm([row.standard_error for row in same]) / len(same)),
        )
        for same in zip(*batches, strict=True)
    ]


def imprecision(found: Sequence[Row]) -> float:
    """The largest standard error as a share of its prediction."""
    return max(row.standard_error / abs(row.predicted) for row in found if row.predicted)


def _state_rows(expected: Expected, state: Coefficients, restored: Coefficients) -> list[Row]:
    assert expected.gain is not None and expected.fresh is not None and expected.state_power is not None
    found = []
    along = np.real(np.conj(state) * restored) / expected.state_power
    weight = _power(state) / expected.state_power
    around = _power(restored - expected.gain * state) / expected.psd
    for name in ("surviving", "missing"):
        band = expected.bands[name]
        found.append(_mean(f"start, {name}", 1.0, weight[:, band].mean(1)))
        top, bottom = along[:, band].mean(1), weight[:, band].mean(1)
        ratio = float(top.mean() / bottom.mean())
        spread = float(np.std(top - ratio * bottom, ddof=1) / bottom.mean() / len(top) ** 0.5)
        found.append(Row(f"gain, {name}", float(expected.gain[band].mean()), ratio, spread))
        if expected.fresh.any():
            predicted = float((expected.fresh / expected.psd)[band].mean())
            found.append(_mean(f"variance, {name}", predicted, around[:, band].mean(1)))
    return found


def _controlled_power(
    expected: Expected, original: Coefficients, restored: Coefficients, state: Coefficients | None
) -> tuple[Array, Array]:
    """Power of each restored coefficient without the chance excess of what it stems from, ``(n, m)``.

    A control variate: the state's power where the restoration is a function of it, else the original's. The mean
    is the same whatever share of the excess is taken off, and the share that is carried on makes the variance
    least. Also returns how much of the restoration's power stems from there, ``(m,)``.
    """
    if state is not None and expected.gain is not None and expected.state_power is not None:
        source, power, passed = state, expected.state_power, expected.gain**2
    else:
        cross = (expected.psd + expected.power - expected.squared_error) / 2
        source, power, passed = original, expected.psd, (cross / expected.psd) ** 2
    controlled = _power(restored) - passed * (_power(source) - power)
    return controlled, passed * power / expected.power


def _frechet(expected: Expected, power: Array, explained: Array, is_complex: bool) -> Row:
    """From the mean powers, freed to first order of the bias that the root of a measured power has."""
    root = np.sqrt(expected.psd)
    spread = (1.0 if is_complex else 2.0) * np.maximum(1 - explained**2, 0) / 8

    def estimate(mean: Array, count: int) -> float:
        restored = np.sqrt(np.maximum(mean, 0)) * (1 + spread / count)
        return float((expected.psd + mean - 2 * root * restored).mean())

    total, count = power.sum(0), len(power)
    parts = [(batch.sum(0), len(batch)) for batch in np.array_split(power, _BATCHES)]
    left_out = [estimate((total - part) / (count - n), count - n) for part, n in parts]
    deviation = (_BATCHES - 1) / _BATCHES**0.5 * float(np.std(left_out, ddof=1))
    predicted = float(((root - np.sqrt(expected.power)) ** 2).mean())
    return Row("frechet", predicted, estimate(total / count, count), deviation)


def _mean(quantity: str, predicted: float, samples: Array) -> Row:
    return Row(
        quantity, predicted, float(samples.mean()), float(np.std(samples, ddof=1) / len(samples) ** 0.5)
    )


def _power(x: Coefficients) -> Array:
    return np.asarray(np.real(x) ** 2 + np.imag(x) ** 2, dtype=np.float64)
