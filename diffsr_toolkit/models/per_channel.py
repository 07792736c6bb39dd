"""A denoiser of one channel for images of three."""

from __future__ import annotations

from torch import Tensor

from diffsr_toolkit.models.denoiser import AnyDenoiser, Denoiser, estimate


class PerChannel(AnyDenoiser):
    """A 1-channel denoiser that restores each channel of a colour image alone."""

    channels: int | None = 3

    def __init__(self, denoiser: Denoiser) -> None:
        self.denoiser = denoiser
        self.sigma_min, self.sigma_max, self.stride = denoiser.sigma_min, denoiser.sigma_max, denoiser.stride

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0`` of the same shape as ``x``, ``(B, C, H, W)``."""
        batch, channels, height, width = x.shape
        planes = x.reshape(batch * channels, 1, height, width)
        return estimate(self.denoiser, planes, sigma.repeat_interleave(channels)).reshape(x.shape)
