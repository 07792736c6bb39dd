"""Scales: the one place where what a caller means by a scale becomes two numbers.

Parsed once, at the edge; a `ScalePair` says by its type that this was done and is never checked again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from theory.errors import ScaleError

Scale = float | tuple[float, float]
"""What a caller may give: HR size over LR size, of both axes or of (height, width)."""

_BYTES = str | bytes | bytearray | memoryview
"""Sequences by their form, but no pair of numbers."""


class ScalePair(NamedTuple):
    """HR size over LR size per axis, each finite and at least 1; `as_scale` makes them.

    Attributes
    ----------
    y, x : float
        Of the height and of the width.
    """

    y: float
    x: float


def as_scale(scale: Scale) -> ScalePair:
    """A scale as (s_y, s_x), checked; a `ScalePair` passes at once.

    Parameters
    ----------
    scale : float or (float, float)
        HR size over LR size: a real number for both axes, or a sequence or 1-D array of two, for the height and the
        width.

    Returns
    -------
    ScalePair

    Raises
    ------
    ScaleError
        If it is not one or two real numbers, or one of them is not finite or below 1.
    """
    if isinstance(scale, ScalePair):
        return scale
    factors = _factors(scale)
    if len(factors) != 2:
        count = f"{len(factors)} value{'' if len(factors) == 1 else 's'}"
        raise ScaleError(
            f"scale = {_shown(scale)} has {count}; give one number of at least 1, or two, (s_y, s_x)."
        )
    return ScalePair(*(_factor(factor, scale) for factor in factors))


def _factors(scale: Any) -> list[Any]:
    """What stands for the two axes; a wrong count is left to the caller."""
    if isinstance(scale, np.ndarray) and scale.ndim < 2:
        scale = scale.tolist()
    if isinstance(scale, Sequence) and not isinstance(scale, _BYTES):
        return list(scale)
    return [scale, scale]


def _factor(factor: Any, scale: Any) -> float:
    # A bool is a Real to Python, and a slip to everyone else.
    if not isinstance(factor, Real) or isinstance(factor, bool):
        raise ScaleError(
            f"scale = {_shown(scale)} is not a real number, nor a pair of them; give a number of at least 1, such as "
            "2.7."
        )
    try:
        value = float(factor)
    except OverflowError:
        value = math.inf
    if not 1 <= value < math.inf:
        raise ScaleError(
            f"scale = {_shown(scale)} is outside the limits, each factor must be finite and >= 1; give a number of at "
            "least 1, such as 2.7."
        )
    return value


def _shown(scale: Any) -> str:
    """The value as given; Python refuses to spell out whole numbers beyond some thousand digits."""
    try:
        return repr(scale)
    except ValueError:
        return "(too many digits to show)"
