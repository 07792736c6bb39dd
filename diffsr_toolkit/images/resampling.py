"""Resampling: one documented kernel, used for the degradation, the start image and the metrics.

The kernel is Keys' cubic with a = -1/2, stretched by the scale when an image shrinks (antialiased) and
renormalised at the borders; the extents of both images coincide, so the scale of an axis is exactly
``n_out / n_in`` and no resampling shifts the picture. It is what Pillow calls ``BICUBIC`` and torch
``interpolate(mode="bicubic", antialias=True, align_corners=False)``.

References
----------
R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. ASSP 29(6), 1981.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch

from diffsr_toolkit.errors import ImageError, ScaleError

KERNEL = "bicubic (Keys a=-0.5, antialiased)"

Scale = float | tuple[float, float]
Size = tuple[int, int]


def as_scale(scale: Any) -> tuple[float, float]:
    """Validate a scale and return it per axis.

    Parameters
    ----------
    scale : float or (float, float)
        One factor for both axes, or ``(sy, sx)``; finite and at least 1.

    Returns
    -------
    (float, float)
        ``(sy, sx)``.

    Raises
    ------
    ScaleError
        If it is not one or two real numbers, not finite, or below 1.
    """
    if isinstance(scale, Sequence) and not isinstance(scale, str | bytes):
        factors: list[Any] = list(scale)
    else:
        factors = [scale, scale]
    if len(factors) != 2:
        raise ScaleError(f"scale {scale!r} has {len(factors)} values; give one number or two, (sy, sx)")
    for factor in factors:
        if not isinstance(factor, Real) or isinstance(factor, bool):
            raise ScaleError(f"scale {scale!r} is not a real number; give a number of at least 1, e.g. 2.7")
        try:
            valid = math.isfinite(factor) and float(factor) >= 1
        except OverflowError:
            valid = False
        if not valid:
            raise ScaleError(f"scale {scale!r} is outside the limits: each factor must be finite and >= 1")
    return float(factors[0]), float(factors[1])


def _as_size(value: Any, what: str, error: type[ImageError] | type[ScaleError]) -> Size:
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
    height, width = _as_size(shape, "shape", ImageError)
    if (scale is None) == (size is None):
        raise ScaleError(f"got scale={scale!r} and size={size!r}; give exactly one of the two")
    if size is not None:
        out = _as_size(size, "size", ScaleError)
        if out[0] < height or out[1] < width:
            raise ScaleError(
                f"size {out} is below the image's own {(height, width)}; give at least that in both axes"
            )
        return out
    sy, sx = as_scale(scale)
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
    height, width = _as_size(hr_shape, "shape", ImageError)
    sy, sx = as_scale(scale)
    return max(1, _round_half_up(height / sy)), max(1, _round_half_up(width / sx))


def effective_scale(lr_shape: Size, hr_shape: Size) -> tuple[float, float]:
    """Scale that two sizes really have after rounding, ``(H / h, W / w)``."""
    low = _as_size(lr_shape, "shape", ImageError)
    high = _as_size(hr_shape, "shape", ImageError)
    return high[0] / low[0], high[1] / low[1]


def resize(x: torch.Tensor, size: Size) -> torch.Tensor:
    """Resample to `size` with the toolkit's kernel.

    Parameters
    ----------
    x : torch.Tensor
        ``(C, H, W)`` or ``(B, C, H, W)``, floating point, any range. Lower precisions than float32 are
        computed in float32.
    size : (int, int)
        ``(H', W')``, larger or smaller per axis.

    Returns
    -------
    torch.Tensor
        The same number of dimensions, dtype and device. Values may overshoot the input's range at edges.

    Raises
    ------
    ImageError
        If `x` is not a non-empty floating-point image.
    ScaleError
        If `size` is not two positive whole numbers.
    """
    out = _as_size(size, "size", ScaleError)
    if x.ndim not in (3, 4) or x.numel() == 0:
        raise ImageError(
            f"tensor of shape {tuple(x.shape)} is no image; give a non-empty (C, H, W) or (B, C, H, W)"
        )
    if not x.is_floating_point():
        raise ImageError(f"tensor of {x.dtype} cannot be resampled; convert it to float32 in [-1, 1]")
    if tuple(x.shape[-2:]) == out:
        return x.clone()
    batch = x if x.ndim == 4 else x[None]
    work = batch if x.dtype in (torch.float32, torch.float64) else batch.float()
    # torch's CPU kernel goes wrong along the height where the output is one pixel wide (found with torch 2.13).
    flip = out[1] == 1
    resampled = torch.nn.functional.interpolate(
        (work.mT if flip else work).contiguous(),
        size=out[::-1] if flip else out,
        mode="bicubic",
        antialias=True,
        align_corners=False,
    )
    resampled = (resampled.mT if flip else resampled).to(x.dtype)
    return resampled if x.ndim == 4 else resampled[0]


def degrade(hr: torch.Tensor, scale: Scale) -> torch.Tensor:
    """Low-resolution image of `hr`: the kernel's antialiased reduction to ``lr_size``.

    Parameters
    ----------
    hr : torch.Tensor
        ``(C, H, W)`` or ``(B, C, H, W)``, floating point.
    scale : float or (float, float)
        Factor(s) of at least 1.

    Returns
    -------
    torch.Tensor
        ``(..., h, w)``; not clipped, so that the operation stays linear.

    Raises
    ------
    ScaleError, ImageError
        If the scale or the image is not usable.
    """
    return resize(hr, lr_size((hr.shape[-2], hr.shape[-1]), scale))


def upsample(lr: torch.Tensor, size: Size) -> torch.Tensor:
    """Bicubic enlargement ``lr_up`` of `lr` to the high-resolution `size`.

    Parameters
    ----------
    lr : torch.Tensor
        ``(C, h, w)`` or ``(B, C, h, w)``, floating point.
    size : (int, int)
        ``(H, W)``, each at least the low-resolution side.

    Returns
    -------
    torch.Tensor
        ``(..., H, W)``; not clipped.

    Raises
    ------
    ScaleError, ImageError
        If the size or the image is not usable.
    """
    return resize(lr, output_size((lr.shape[-2], lr.shape[-1]), size=size))
