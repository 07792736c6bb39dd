"""Sizes in whole pixels and the scales between them."""

from __future__ import annotations

import math
import operator
from typing import Any, cast

from diffsr_toolkit.errors import ImageError, ScaleError
from theory.scale import Scale, ScalePair, as_scale

Size = tuple[int, int]


def as_size(value: Any, what: str, error: type[ImageError] | type[ScaleError]) -> Size:
    """Two whole numbers of at least 1 as (height, width), or `error`, which names them as `what`."""
    remedy = f"{what} {value!r} must be two whole numbers of at least 1, (height, width)"
    try:
        if any(isinstance(side, bool) for side in value):
            raise error(remedy)
        sides = tuple(operator.index(side) for side in value)
    except TypeError:
        raise error(remedy) from None
    if len(sides) != 2 or min(sides) < 1:
        raise error(remedy)
    return sides[0], sides[1]


def _round_half_up(value: float) -> int:
    return math.floor(value + 0.5)


def output_size(shape: Size, scale: Scale | None = None, size: Size | None = None) -> Size:
    """Height and width of the upscaled image.

    Parameters
    ----------
    shape : (int, int)
        ``(H, W)`` of the low-resolution image, in pixels.
    scale : float or (float, float), optional
        Factor(s) of at least 1; ``H' = floor(H * sy + 1/2)``, likewise for the width.
    size : (int, int), optional
        The wanted ``(H', W')`` itself, each at least the low-resolution side. Give this or `scale`.

    Returns
    -------
    (int, int)
        ``(H', W')``.

    Raises
    ------
    ScaleError
        If both or neither are given, or the scale or the size is not usable.
    ImageError
        If `shape` is not two positive whole numbers.
    """
    height, width = as_size(shape, "shape", ImageError)
    if (scale is None) == (size is None):
        raise ScaleError(f"got scale={scale!r} and size={size!r}; give exactly one of the two")
    if size is not None:
        out = as_size(size, "size", ScaleError)
        if out[0] < height or out[1] < width:
            raise ScaleError(
                f"size {out} is below the image's own {(height, width)}; give at least that in both axes"
            )
        return out
    # One of the two is there: size is not.
    sy, sx = as_scale(cast(Scale, scale))
    try:
        return _round_half_up(height * sy), _round_half_up(width * sx)
    except OverflowError:
        raise ScaleError(f"scale {scale!r} gives an image too large to number; give a smaller one") from None


def lr_size(hr_shape: Size, scale: Scale) -> Size:
    """Height and width of the degraded image: ``max(1, floor(H / sy + 1/2))``, likewise for the width.

    Parameters
    ----------
    hr_shape : (int, int)
        ``(H, W)`` of the high-resolution image, in pixels.
    scale : float or (float, float)
        Factor(s) of at least 1.

    Returns
    -------
    (int, int)

    Raises
    ------
    ScaleError, ImageError
        If the scale or the shape is not usable.
    """
    height, width = as_size(hr_shape, "shape", ImageError)
    sy, sx = as_scale(scale)
    return max(1, _round_half_up(height / sy)), max(1, _round_half_up(width / sx))


def effective_scale(lr_shape: Size, hr_shape: Size) -> ScalePair:
    """Scale that two sizes really have after rounding, ``(H / h, W / w)``."""
    low = as_size(lr_shape, "shape", ImageError)
    high = as_size(hr_shape, "shape", ImageError)
    return ScalePair(high[0] / low[0], high[1] / low[1])
