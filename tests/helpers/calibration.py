"""What the calibration's tests share: pictures of a known spectrum, and a restorer that gives back what it is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from diffsr_toolkit.images import upsample
from diffsr_toolkit.models import AnyDenoiser
from diffsr_toolkit.settings import SamplingSettings
from helpers.fields import gaussian_field
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

LINEAR = NoiseSchedule.linear()
LAW = PowerLaw(1e-3, 2.5)


def field_picture(
    shape: tuple[int, int] = (96, 96), seed: int = 0, law: PowerLaw = LAW, channels: int = 3
) -> torch.Tensor:
    """Independent Gaussian fields whose ``|FFT|^2 / N`` averages to the law, ``(C, H, W)``."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(np.stack([gaussian_field(law, shape, rng) for _ in range(channels)])).float()


class GivenRestorer:
    """Gives back ``restored``, or the upsampled image, and notes the timesteps and settings."""

    name = "given"
    weights_digest = None

    def __init__(self, restored: torch.Tensor | None = None, **attributes: Any) -> None:
        self.schedule, self.denoiser = LINEAR, AnyDenoiser()
        vars(self.denoiser).update(attributes)
        self.restored, self.seen = restored, []

    def restore(
        self,
        lr: torch.Tensor,
        size: tuple[int, int],
        t: float,
        settings: SamplingSettings = SamplingSettings(),  # noqa: B008 - frozen
        *,
        seed: int = 0,
        callback: Any = None,
    ) -> tuple[torch.Tensor, int]:
        self.seen.append((t, settings))
        return (upsample(lr, size) if self.restored is None else self.restored), 0
