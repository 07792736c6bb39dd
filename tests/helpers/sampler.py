"""What the sampler's tests share: schedules, a start and its generators."""

from __future__ import annotations

import torch

from theory import NoiseSchedule

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}
SHAPE = (2, 3, 8, 8)
SCHEDULES = {
    "linear": NoiseSchedule.linear(),
    "scaled_linear": NoiseSchedule.scaled_linear(),
    "cosine": NoiseSchedule.cosine(),
    "flow_matching": NoiseSchedule.flow_matching(),
    "karras": NoiseSchedule.karras(),
}


def start(scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(SHAPE, generator=torch.Generator().manual_seed(7))


def generators(count: int = SHAPE[0]) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(11 + index) for index in range(count)]
