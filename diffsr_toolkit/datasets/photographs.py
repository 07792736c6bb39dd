"""Photographs: those that scikit-image carries in its wheel, and files, reduced as a whole."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image
from torch import Tensor

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.images import load_image, resize, to_tensor

BUNDLED = ("astronaut", "chelsea", "coffee", "rocket")
"""Photographs that need no download and that no training and no calibration saw."""


def bundled_photograph(name: str) -> Tensor:
    """A bundled photograph at its own size, ``(3, H, W)`` in [-1, 1].

    Raises
    ------
    ImageError
        When there is none of this name.
    """
    import skimage.data

    if name not in BUNDLED:
        raise ImageError(f"photograph {name!r} is unknown: choose among {', '.join(BUNDLED)}")
    return to_tensor(getattr(skimage.data, name)())[0]


def fit_within(hr: Tensor, side: int) -> Tensor:
    """Reduce ``(C, H, W)`` so that its longer side is at most ``side`` pixels; smaller images stay as they are.

    With the toolkit's own kernel, clipped to [-1, 1].
    """
    height, width = hr.shape[-2:]
    factor = side / max(height, width)
    if factor >= 1:
        return hr.clamp(-1, 1)
    size = (max(1, math.floor(height * factor + 0.5)), max(1, math.floor(width * factor + 0.5)))
    return resize(hr, size).clamp(-1, 1)


def reduced(photo: Image.Image, side: int) -> Image.Image:
    """The whole photograph with its longer side reduced to ``side`` pixels (Lanczos)."""
    factor = side / max(photo.size)
    if factor >= 1:
        return photo
    size = (max(1, round(photo.width * factor)), max(1, round(photo.height * factor)))
    return photo.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def photograph(path: Path, side: int) -> Tensor:
    """A photograph's file, `reduced`, as ``(3, H, W)`` in [-1, 1]."""
    return to_tensor(reduced(load_image(path), side))[0]
