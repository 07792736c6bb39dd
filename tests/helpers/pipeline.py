"""What the pipeline's tests share: a denoiser that watches, a toolkit of it, and a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from diffsr_toolkit import DiffSR
from theory import NoiseSchedule

LINEAR = NoiseSchedule.linear()


class Spy:
    """A denoiser of gain below 1 that keeps what it was given."""

    def __init__(self, channels: int | None = None) -> None:
        if channels is not None:
            self.channels = channels
        self.inputs: list[torch.Tensor] = []
        self.sigmas: list[torch.Tensor] = []

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        self.inputs.append(x)
        self.sigmas.append(sigma)
        return 0.5 * x


def toolkit(denoiser: Callable | None = None, **kwargs: Any) -> DiffSR:
    return DiffSR(denoiser=denoiser or Spy(), schedule=LINEAR, **kwargs)


def picture(channels: int = 3, height: int = 9, width: int = 7, seed: int = 0) -> torch.Tensor:
    return torch.rand(channels, height, width, generator=torch.Generator().manual_seed(seed)) * 1.8 - 0.9
