"""Degradations that are really applied: the LR images that ``theory.Degradation`` describes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.images.resampling import resize
from diffsr_toolkit.images.sizes import lr_size
from diffsr_toolkit.noise import image_generator
from theory.degradation import BICUBIC, Degradation, quantisation_table
from theory.scale import Scale

_BLUR_REACH = 4.0
"""Standard deviations at which the blur's kernel is cut."""


def degrade_with(hr: Tensor, scale: Scale, degradation: Degradation = BICUBIC, seed: int = 0) -> Tensor:
    """Make the LR image: blur, bicubic reduction, noise, JPEG round trip.

    Parameters
    ----------
    hr : Tensor
        ``(C, H, W)`` in [-1, 1], 1 or 3 channels.
    scale : float or (sy, sx)
        At least 1; sizes are rounded to whole pixels, so the true scale is ``H / h``.
    degradation : Degradation
    seed : int
        With the image's content it decides the noise.

    Returns
    -------
    Tensor
        ``(C, h, w)`` on the CPU. With compression its values are 8-bit levels in [-1, 1], else not clipped.

    Raises
    ------
    ScaleError, ImageError
        Bad scale or image.
    """
    if hr.ndim != 3 or hr.shape[0] not in (1, 3) or not hr.is_floating_point():
        raise ImageError(
            f"hr is {tuple(hr.shape)} of {hr.dtype}; give a floating-point (C, H, W) of 1 or 3 channels"
        )
    size = lr_size((hr.shape[1], hr.shape[2]), scale)
    return degrade_lr(resize(blurred(hr.cpu(), degradation.blur_sigma), size), degradation, seed)


def degrade_lr(lr: Tensor, degradation: Degradation, seed: int = 0) -> Tensor:
    """Add the noise and the compression of a degradation to an LR image ``(C, h, w)`` in [-1, 1]."""
    if degradation.noise_std:
        noise = torch.randn(lr.shape, generator=image_generator(seed, lr), dtype=torch.float32)
        lr = lr + degradation.noise_std * noise.to(lr)
    return lr if degradation.jpeg_quality is None else compressed(lr, degradation.jpeg_quality)


def blurred(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of ``(C, H, W)`` with reflected borders; sigma in pixels."""
    if not sigma:
        return x
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(
        np.asarray(x.double()), (0.0, sigma, sigma), mode="reflect", truncate=_BLUR_REACH
    )
    return torch.from_numpy(smooth).to(x.dtype)


def compressed(x: Tensor, quality: int) -> Tensor:
    """JPEG round trip of ``(C, H, W)`` in [-1, 1] through Pillow, with its chroma subsampling (4:2:0)."""
    levels = ((x.double().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels).save(buffer, "JPEG", quality=quality)
    decoded = np.asarray(Image.open(buffer), dtype=np.float64)
    decoded = decoded[None] if decoded.ndim == 2 else decoded.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(decoded)).div(127.5).sub(1).to(x.dtype)


def jpeg_quality(image: Any) -> int | None:
    """Quality of the JPEG file that an image was opened from, by its own quantisation table.

    Parameters
    ----------
    image : PIL.Image.Image
        As opened: Pillow's copies and conversions drop the table.

    Returns
    -------
    int or None
        The quality whose standard table is nearest, in mean log ratio of the steps; None for another image.
    """
    tables = getattr(image, "quantization", None)
    if not tables:
        return None
    own = np.log(np.asarray(tables[min(tables)], dtype=np.float64))
    distance = [np.abs(np.log(quantisation_table(q).ravel()) - own).mean() for q in range(1, 101)]
    return 1 + int(np.argmin(distance))
