"""Upsample, inject, run the reverse process: low-resolution tensors in, restored tensors out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from diffsr_toolkit.consistency import LRConsistent
from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.images import Size, upsample
from diffsr_toolkit.models import Denoiser, PerChannel, as_denoiser, check_finite
from diffsr_toolkit.noise import image_generator
from diffsr_toolkit.sampling import LEAST_SIGMA, State, inject_antithetic, sample, step_sigmas
from diffsr_toolkit.settings import SamplingSettings
from theory.schedules import NoiseSchedule

DEFAULTS = SamplingSettings()


class Restorer(Protocol):
    """What a sweep, a calibration or an experiment needs of a model."""

    @property
    def name(self) -> str:
        """For tables."""
        ...

    @property
    def denoiser(self) -> Denoiser:
        """The adapted network itself."""
        ...

    @property
    def schedule(self) -> NoiseSchedule:
        """On which timesteps are told."""
        ...

    @property
    def weights_digest(self) -> str | None:
        """Short hash of the weights; None where there are none to hash."""
        ...

    def restore(
        self,
        lr: Tensor,
        size: Size,
        t: float,
        settings: SamplingSettings = DEFAULTS,
        *,
        seed: int = 0,
        callback: Callable[[State], None] | None = None,
    ) -> tuple[Tensor, int]:
        """Restore one image; see `DiffusionRestorer.restore`."""
        ...


class DiffusionRestorer:
    """Diff-SR's restoration with one denoiser on one schedule.

    Parameters
    ----------
    denoiser : Denoiser or callable
        ``D(x, sigma) -> x0``; see `diffsr_toolkit.models.Denoiser`.
    schedule : NoiseSchedule
        The schedule on which timesteps are told.
    channels : int, optional
        Channels the denoiser takes, 1 or 3, where it does not say so itself.
    name : str
        For tables.
    device : str or torch.device
        Where the denoiser lives.

    Raises
    ------
    ModelError
        When the denoiser is no callable or the schedule no ``NoiseSchedule``.
    """

    def __init__(
        self,
        denoiser: Denoiser | Callable[[Tensor, Tensor], Tensor],
        schedule: NoiseSchedule,
        *,
        channels: int | None = None,
        name: str = "custom",
        device: str | torch.device = "cpu",
    ) -> None:
        if not isinstance(schedule, NoiseSchedule):
            raise ModelError(
                f"schedule {schedule!r} is not a theory.NoiseSchedule: make one of its constructors"
            )
        self.denoiser = as_denoiser(denoiser, channels)
        self.schedule = schedule
        self.name = name
        self.device = torch.device(device)

    @cached_property
    def weights_digest(self) -> str | None:
        """Short hash of the network's weights, None for a denoiser that is no torch module and holds none."""
        function = getattr(self.denoiser, "function", self.denoiser)
        network = getattr(function, "module", function)
        if not isinstance(network, torch.nn.Module):
            return None
        digest = hashlib.sha256()
        for name, value in sorted(network.state_dict().items()):
            digest.update(name.encode() + value.detach().cpu().float().numpy().tobytes())
        return digest.hexdigest()[:12]

    def restore(
        self,
        lr: Tensor,
        size: Size,
        t: float,
        settings: SamplingSettings = DEFAULTS,
        *,
        seed: int = 0,
        callback: Callable[[State], None] | None = None,
    ) -> tuple[Tensor, int]:
        """Restore one image.

        Parameters
        ----------
        lr : Tensor
            ``(C, h, w)`` in [-1, 1], 1 or 3 channels.
        size : (int, int)
            Output height and width.
        t : float
            Injection timestep on the schedule, real.
        settings : SamplingSettings
        seed : int
            With the image's content it decides all noise.
        callback : callable, optional
            Called with every ``State`` of the reverse process, all samples together.

        Returns
        -------
        (Tensor, int)
            ``(C, H, W)`` on the CPU, not clipped, and the number of network evaluations.

        Raises
        ------
        TimestepError
            When the timestep lies outside the schedule.
        ModelError
            When the denoiser returns anything but finite estimates of the state's shape.
        """
        restored, nfe = self.restore_batch(lr[None], size, t, settings, seed=seed, callback=callback)
        return restored[0], nfe

    def restore_batch(
        self,
        lr: Tensor,
        size: Size,
        t: float,
        settings: SamplingSettings = DEFAULTS,
        *,
        seed: int = 0,
        callback: Callable[[State], None] | None = None,
    ) -> tuple[Tensor, int]:
        """As `restore` for ``(B, C, h, w)``: each image gets the noise that it would get alone.

        Returns
        -------
        (Tensor, int)
            ``(B, C, H, W)`` on the CPU, not clipped, and the network evaluations of one image.
        """
        # A network may know next to no noise at all, as flow matching does; no 8-bit image shows it.
        least = max(self.denoiser.sigma_min, LEAST_SIGMA)
        sigmas = step_sigmas(self.schedule, t, settings.steps, settings.spacing, least)
        denoiser, work = self._match_channels(lr)
        samples = settings.samples
        if settings.consistency:
            denoiser = LRConsistent(denoiser, work.repeat_interleave(samples, 0))
        generators = [image_generator(seed, image, draw) for image in lr for draw in range(samples)]
        lr_up = upsample(work, size).repeat_interleave(samples, 0).to(self.device)
        x = inject_antithetic(lr_up, float(sigmas[0]), generators, samples)
        nfe = 0
        for state in sample(denoiser, x, sigmas, settings.eta, generators):
            x, nfe = state.x, state.nfe * samples
            if callback is not None:
                callback(state)
        restored = x.view(len(lr), samples, *x.shape[1:]).mean(1).cpu()
        check_finite(restored, t)
        if lr.shape[1] == 1 and restored.shape[1] == 3:
            restored = restored.mean(1, keepdim=True)
        return restored, nfe

    def _match_channels(self, lr: Tensor) -> tuple[Denoiser, Tensor]:
        if self.denoiser.channels == 3 and lr.shape[1] == 1:
            # Three channels with noise of their own, as the network was trained; averaged at the end.
            return self.denoiser, lr.expand(-1, 3, -1, -1)
        if self.denoiser.channels == 1 and lr.shape[1] == 3:
            return PerChannel(self.denoiser), lr
        return self.denoiser, lr
