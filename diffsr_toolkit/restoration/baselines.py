"""Restorations without a network, which any result has to beat."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from diffsr_toolkit.consistency import back_project
from diffsr_toolkit.images import Size, upsample

BASELINES: dict[str, Callable[[Tensor, Size], Tensor]] = {
    "bicubic": upsample,
    # What the known kernel gives without any network: the fair floor for a sampler that back-projects.
    "back_projection": lambda lr, size: back_project(upsample(lr, size), lr, iterations=5),
}
"""By the method's name in a table: from ``lr`` ``(C, h, w)`` and a size to ``(C, H, W)``."""
