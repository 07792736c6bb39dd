"""Injection: the upsampled image gets noise of one level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from diffsr_toolkit.noise import noise_like


def inject(lr_up: Tensor, sigma: float, generators: Sequence[torch.Generator]) -> Tensor:
    """Add noise of level ``sigma`` to the upsampled image: ``lr_up + sigma * noise``."""
    return lr_up + sigma * noise_like(lr_up, generators)


def inject_antithetic(
    lr_up: Tensor, sigma: float, generators: Sequence[torch.Generator], samples: int | None = None
) -> Tensor:
    """As ``inject`` for draws that will be averaged: every second one takes its predecessor's noise negated.

    What the reverse process makes of noise to first order then cancels within a pair instead of falling
    with the root of the number of draws (antithetic variates, Hammersley and Morton 1956).

    Parameters
    ----------
    lr_up : Tensor
        ``(B * samples, C, H, W)``, the draws of one image beside one another.
    samples : int, optional
        Draws of each image; all are of one by default.
    """
    noise = noise_like(lr_up, generators)
    draws = noise.view(-1, samples or len(noise), *noise.shape[1:])
    paired = draws.shape[1] // 2 * 2
    draws[:, 1:paired:2] = -draws[:, 0:paired:2]
    return lr_up + sigma * noise
