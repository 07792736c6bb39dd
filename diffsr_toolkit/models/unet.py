"""Adapters that bring a network to ``D(x, sigma) -> x0``, with ``x = x0 + sigma * noise``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.sampling import Denoiser
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
    """A diffusers UNet as ``D(x, sigma)``.

    Parameters
    ----------
    unet : torch.nn.Module
        ``unet(x_t, timestep).sample``; a diffusers ``UNet2DModel``.
    schedule : NoiseSchedule
        The schedule the network was trained on.
    prediction_type : {"epsilon", "sample", "v_prediction", "flow_prediction"}
        What the network returns.
    sigma_data : float, optional
        Given for networks trained with EDM's preconditioning (Karras et al. 2022, table 1); ``prediction_type``
        then only sets the sign of the output, as in diffusers' EDM schedulers.

    Attributes
    ----------
    sigma_min : float
        Least noise level that the network was trained at; at less it is told this one.
    """

    def __init__(
        self,
        unet: Any,
        schedule: NoiseSchedule,
        prediction_type: str = "epsilon",
        sigma_data: float | None = None,
    ) -> None:
        if prediction_type not in ("epsilon", "sample", "v_prediction", "flow_prediction"):
            raise ModelError(
                f"prediction_type={prediction_type!r} is unknown: "
                "use epsilon, sample, v_prediction or flow_prediction"
            )
        self.unet = unet.eval()
        self.schedule = schedule
        self.prediction_type = prediction_type
        self.sigma_data = sigma_data
        self.channels = int(unet.config.in_channels)
        self.stride = 2 ** (len(unet.config.block_out_channels) - 1)
        self.sigma_min = float(schedule.sigma(schedule.t_min))

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        return next(self.unet.parameters()).device

    @torch.inference_mode()
    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0``, ``(B, C, H, W)`` in [-1, 1], from ``x`` at noise levels ``sigma`` ``(B,)``."""
        if self.sigma_data is not None:
            return self._edm(x, sigma, self.sigma_data)
        timestep = torch.as_tensor(self._timesteps(sigma), dtype=torch.float32, device=x.device)
        sigma = sigma.to(x).view(-1, 1, 1, 1)
        flow = self.prediction_type == "flow_prediction"
        alpha = 1 / (1 + sigma) if flow else 1 / torch.sqrt(1 + sigma**2)
        output = self._evaluate(alpha * x, timestep)
        if self.prediction_type == "sample":
            return output
        if self.prediction_type == "epsilon":
            return x - sigma * output
        if self.prediction_type == "v_prediction":
            return alpha**2 * x - alpha * sigma * output
        return alpha * (x - sigma * output)

    def _edm(self, x: Tensor, sigma: Tensor, data: float) -> Tensor:
        timestep = torch.log(sigma.to(x.device, torch.float32)) / 4
        sigma = sigma.to(x).view(-1, 1, 1, 1)
        norm = torch.sqrt(sigma**2 + data**2)
        sign = -1 if self.prediction_type == "v_prediction" else 1
        return (data / norm) ** 2 * x + sign * sigma * data / norm * self._evaluate(x / norm, timestep)

    def _timesteps(self, sigma: Tensor) -> NDArray[np.float64]:
        levels = sigma.detach().double().cpu().numpy()
        levels = np.maximum(levels, self.sigma_min)
        # float32 may round the schedule's last level just out of it.
        last = self.schedule.sigma(self.schedule.t_max)
        return self.schedule.t_of_sigma(np.where(np.isclose(levels, last, rtol=1e-6, atol=0), last, levels))

    def _evaluate(self, state: Tensor, timestep: Tensor) -> Tensor:
        height, width = state.shape[-2:]
        dtype = next(self.unet.parameters()).dtype
        output = self.unet(pad_to_multiple(state, self.stride).to(dtype), timestep).sample
        # Networks with learned variances return them as further channels.
        return output[:, : self.channels, :height, :width].to(state.dtype)


class PerChannel:
    """A 1-channel denoiser that restores each channel of a colour image alone."""

    channels = 3

    def __init__(self, denoiser: Denoiser) -> None:
        self.denoiser = denoiser

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0`` of the same shape as ``x``, ``(B, C, H, W)``."""
        batch, channels, height, width = x.shape
        planes = x.reshape(batch * channels, 1, height, width)
        return self.denoiser(planes, sigma.repeat_interleave(channels)).reshape(x.shape)
