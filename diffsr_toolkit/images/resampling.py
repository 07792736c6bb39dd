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

import torch

from diffsr_toolkit.errors import ImageError, ScaleError
from diffsr_toolkit.images.sizes import Size, as_size, lr_size, output_size
from theory.scale import Scale

KERNEL = "bicubic (Keys a=-0.5, antialiased)"


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
    out = as_size(size, "size", ScaleError)
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
