"""A diffusers UNet as ``D(x, sigma) -> x0``, of any image size."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.models.preconditioning import preconditioning_of
from theory.schedules import NoiseSchedule


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Extend the bottom and right of ``(B, C, H, W)`` so that both sides divide by ``multiple``."""
    height, width = x.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    if not bottom and not right:
        return x
    # Reflection repeats no border pixel, but needs more pixels than it adds.
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(x, (0, right, 0, bottom), mode=mode)


class UNetDenoiser:
    """A diffusers UNet as ``D(x, sigma)``; gradients flow through it.

    Parameters
    ----------
    unet : torch.nn.Module
        ``unet(x_t, timestep).sample``; a diffusers ``UNet2DModel``.
    schedule : NoiseSchedule
        The schedule the network was trained on.
    prediction_type : {"epsilon", "sample", "v_prediction", "flow_prediction"}
        What the network returns.
    sigma_data : float, optional
        Given for networks trained with EDM's preconditioning; see `preconditioning_of`.

    Attributes
    ----------
    channels : int
    sigma_min, sigma_max : float
        Noise levels that the network was trained at; at less it is told the least.
    stride : int
        Sides are padded to multiples of it and cropped again.
    """

    def __init__(
        self,
        unet: Any,
        schedule: NoiseSchedule,
        prediction_type: str = "epsilon",
        sigma_data: float | None = None,
    ) -> None:
        self.preconditioning = preconditioning_of(prediction_type, sigma_data)
        self.unet = unet.eval()
        self.schedule = schedule
        self.channels: int | None = int(unet.config.in_channels)
        self.stride = 2 ** (len(unet.config.block_out_channels) - 1)
        self.sigma_min = float(schedule.sigma(schedule.t_min))
        self.sigma_max = float(schedule.sigma(schedule.t_max))

    @property
    def module(self) -> torch.nn.Module:
        """The network, whose weights identify the denoiser."""
        return self.unet

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        return next(self.unet.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The network's own precision."""
        return next(self.unet.parameters()).dtype

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0``, ``(B, C, H, W)`` in [-1, 1], from ``x`` at noise levels ``sigma`` ``(B,)``."""
        row = self.preconditioning
        told = sigma.to(x.device, torch.float32).clamp(min=self.sigma_min)
        noise = row.c_noise(told) if row.c_noise else self._timesteps(sigma).to(x.device)
        level = sigma.to(x).view(-1, 1, 1, 1)
        return row.c_skip(level) * x + row.c_out(level) * self._evaluate(row.c_in(level) * x, noise)

    def _timesteps(self, sigma: Tensor) -> Tensor:
        levels: NDArray[np.float64] = np.maximum(sigma.detach().double().cpu().numpy(), self.sigma_min)
        # float32 may round the schedule's last level just out of it.
        near = np.isclose(levels, self.sigma_max, rtol=1e-6, atol=0)
        timesteps = self.schedule.t_of_sigma(np.where(near, self.sigma_max, levels))
        return torch.as_tensor(timesteps, dtype=torch.float32)

    def _evaluate(self, state: Tensor, timestep: Tensor) -> Tensor:
        height, width = state.shape[-2:]
        output = self.unet(pad_to_multiple(state, self.stride).to(self.dtype), timestep).sample
        # Networks with learned variances return them as further channels.
        return output[:, : self.channels, :height, :width].to(state.dtype)
