"""White noise that depends on the seed and the image alone: not on the batch, nor on the device."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Sequence

import torch
from torch import Tensor

from diffsr_toolkit.errors import ToolkitError


def image_generator(seed: int, lr: Tensor, draw: int = 0) -> torch.Generator:
    """CPU generator keyed by ``(seed, image)``, so that batch make-up and device change nothing.

    Parameters
    ----------
    lr : Tensor
        ``(C, h, w)`` in [-1, 1]; it is keyed by its shape and its 8-bit levels.
    draw : int
        Which of several restorations of one image and seed.
    """
    levels = ((lr.detach().cpu().double() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    try:
        number = operator.index(seed)
    except TypeError:
        raise ToolkitError(f"seed={seed!r} is not a whole number: give one, such as 0") from None
    key = repr((number, draw, tuple(lr.shape))).encode() + levels.contiguous().numpy().tobytes()
    digest = hashlib.sha256(key).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def noise_like(x: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """White noise of ``x``'s shape, one CPU generator for each image of the batch.

    Raises
    ------
    ToolkitError
        When there are more or fewer generators than images.
    """
    if len(generators) != len(x):
        raise ToolkitError(
            f"{len(generators)} generators for {len(x)} images: give each image one of its own"
        )
    draws = [torch.randn(x.shape[1:], generator=generator) for generator in generators]
    return torch.stack(draws).to(x)
