"""``DiffSR``: one object that predicts, super-resolves and sweeps with one pretrained model."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from diffsr_toolkit.consistency import LRConsistent
from diffsr_toolkit.models import PerChannel
from diffsr_toolkit.errors import ModelError, TimestepError
from diffsr_toolkit.images import BYTES_PER_PIXEL, check_memory, to_tensor
from diffsr_toolkit.images import Scale, Size, effective_scale, output_size, upsample
from diffsr_toolkit.calibration import find_response, matching_response
from diffsr_toolkit.sampling import (
    LEAST_SIGMA,
    Denoiser,
    Spacing,
    State,
    check_samples,
    image_generator,
    inject_antithetic,
    sample,
    step_sigmas,
)
from theory.schedules import NoiseSchedule

if TYPE_CHECKING:
    import pandas as pd

    from theory.prf import ModelResponse
    from theory.prf import Level, Prediction
    from theory.degradation import Degradation

DEFAULT_STEPS = 10
PAIR: dict[str, Any] = {"steps": DEFAULT_STEPS // 2, "samples": 2, "eta": 1.0}
"""Settings for ``upscale`` and ``sweep``: the mean of an antithetic pair of ancestral restorations.

It costs as much as one restoration of 10 steps, and on the calibration photographs it came closer to the
original by every metric (`data/calibration.json`)."""


@dataclass(frozen=True)
class Result:
    """What one super-resolution gave, and at which noise level.

    Attributes
    ----------
    image : PIL.Image.Image, ndarray or Tensor
        The restored image, of the input's kind.
    t : float
        Injection timestep on the model's own schedule, exactly as used.
    snr, sigma : float
        Signal-to-noise ratio at ``t``, and the noise level ``snr ** -0.5``.
    nfe : int
        Network evaluations.
    seconds : float
        Wall time of injection and reverse process.
    scale : tuple of float
        Scale ``(sy, sx)`` between the two images' true sizes.
    prediction : Prediction or None
        The theory's prediction; None when ``t`` was given as a number.
    """

    image: Any
    t: float
    snr: float
    sigma: float
    nfe: int
    seconds: float
    scale: tuple[float, float]
    prediction: Prediction | None


class DiffSR:
    """Training-free super-resolution with a pretrained diffusion model (Diff-SR).

    Parameters
    ----------
    denoiser : callable
        ``D(x, sigma) -> x0`` estimate with ``x = x0 + sigma * noise``: ``x`` ``(B, C, H, W)`` float32, ``x0`` in
        [-1, 1], ``sigma`` ``(B,)`` float32.
    schedule : NoiseSchedule
        The schedule on which timesteps are told.
    channels : int, optional
        Channels the denoiser takes, 1 or 3; by default its attribute ``channels``, else the image's own.
    name : str
        For tables.
    responses : sequence of theory.model_aware.ModelResponse
        What this model was measured to give back, for predictions at the level "model_aware"; see
        `diffsr_toolkit.response`.

    References
    ----------
    Li et al., "Dissecting Arbitrary-scale Super-resolution Capability from Pre-trained Diffusion Generative
    Models", arXiv 2306.00714.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        schedule: NoiseSchedule,
        *,
        channels: int | None = None,
        name: str = "custom",
        device: str | torch.device = "cpu",
        responses: Sequence[ModelResponse] = (),
    ) -> None:
        if not callable(denoiser):
            raise ModelError(f"denoiser {denoiser!r} is not callable: give D(x, sigma) -> x0")
        if not isinstance(schedule, NoiseSchedule):
            raise ModelError(
                f"schedule {schedule!r} is not a theory.NoiseSchedule: make one of its constructors"
            )
        channels = getattr(denoiser, "channels", None) if channels is None else channels
        if channels not in (None, 1, 3):
            raise ModelError(f"channels={channels}: images have 1 or 3 channels")
        self.denoiser = denoiser
        self.schedule = schedule
        self.channels = channels
        self.name = name
        self.device = torch.device(device)
        self.responses = tuple(responses)

    @classmethod
    def from_pretrained(
        cls,
        name: str = "embedded",
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> DiffSR:
        """Load a model: ``"embedded"``, a local diffusers folder, or a hub id; see ``models.load_model``."""
        from diffsr_toolkit.models import load_model

        model = load_model(name, device=device, dtype=dtype)
        return cls(
            model.denoiser,
            model.schedule,
            name=name,
            device=model.denoiser.device,
            responses=model.responses,
        )

    @cached_property
    def weights_digest(self) -> str | None:
        """Short hash of the network's weights, None for a denoiser that is no torch module."""
        network = getattr(self.denoiser, "unet", self.denoiser)
        if not isinstance(network, torch.nn.Module):
            return None
        digest = hashlib.sha256()
        for name, value in sorted(network.state_dict().items()):
            digest.update(name.encode() + value.detach().cpu().float().numpy().tobytes())
        return digest.hexdigest()[:12]

    def predict(
        self,
        scale: Scale,
        image: Any = None,
        degradation: Degradation | str | None = None,
        *,
        level: Level | None = None,
        metric: str = "feature_distance",
        samples: int = 1,
        consistency: bool = True,
    ) -> Prediction:
        """Predict the Perceptual Recoverable Field; theory only, no network evaluation.

        Parameters
        ----------
        scale : float or (sy, sx)
            At least 1.
        image : PIL.Image.Image, ndarray or Tensor, optional
            The low-resolution image, whose spectrum is extrapolated; by default the spectrum of the
            reference photographs is used.
        degradation : "bicubic", "auto" or theory.Degradation, optional
            How the low-resolution image came about. "auto" tells blur, noise and JPEG compression from the image.
            What happened besides the kernel (in ``theory.Degradation``) is answered at the spectral level.
        level : {"closed_form", "spectral", "model_aware"}
            Power law on paper; true kernel with the exact Gaussian chain; or what this model was measured to
            give back. By default the last, where that was measured and the metric allows it, else the first.
        metric : str
            The metric whose optimum is predicted.
        samples : int
            Whether a single restoration or a mean of several is meant: the optimum differs.
        consistency : bool
            Model-aware: whether the estimates are back-projected onto the low-resolution image.
        """
        from diffsr_toolkit.prediction import predict

        check_samples(samples)
        lr = None if image is None else to_tensor(image)[0]
        # Asked for by name, a response that is missing is an error; by default another level answers.
        choose = matching_response if level == "model_aware" else find_response
        return predict(
            self.schedule,
            scale,
            lr,
            degradation=degradation,
            level=level,
            metric=metric,
            samples=samples,
            response=choose(self.responses, samples, consistency),
        )

    def upscale(
        self,
        image: Any,
        scale: Scale | None = None,
        *,
        size: Size | None = None,
        t: float | str = "prf",
        steps: int = DEFAULT_STEPS,
        eta: float = 0.0,
        seed: int = 0,
        spacing: Spacing = "log_snr",
        consistency: bool = True,
        samples: int = 1,
        callback: Callable[[State], None] | None = None,
    ) -> Result:
        """Super-resolve one image.

        Parameters
        ----------
        image : PIL.Image.Image, ndarray or Tensor
            The low-resolution image; see ``images.to_tensor`` for kinds and ranges.
        scale, size
            Scale (a number or ``(sy, sx)``, at least 1) or the size ``(H, W)`` wanted, in pixels.
        t : float or "prf"
            Injection timestep, taken exactly as given, or the theory's prediction for this image.
        steps : int
            Network evaluations.
        eta : float
            0 (DDIM) to 1 (DDPM).
        seed : int
            With the image's content it decides all noise.
        spacing : {"log_snr", "timestep"}
            See ``sampler.step_sigmas``.
        consistency : bool
            Back-project every estimate onto the low-resolution image (see ``consistency``), which takes it to
            be a noise-free bicubic reduction. False is plain Diff-SR.
        samples : int
            Restorations that are averaged, each of ``steps`` evaluations, with antithetic pairs of noise: more
            fidelity, less texture. Two of 5 steps cost as much as one of 10.
        callback : callable, optional
            Called with every ``State`` of the reverse process.

        Raises
        ------
        ToolkitError
            Bad scale, timestep, image, or an output that would not fit in memory; see the message.
        """
        lr, kind = to_tensor(image)
        height, width = output_size((lr.shape[-2], lr.shape[-1]), scale, size)
        check_samples(samples)
        # All samples are one batch.
        work = samples * BYTES_PER_PIXEL
        check_memory(height, width, max(lr.shape[0], self.channels or 1), scale=scale, bytes_per_pixel=work)
        ratio = effective_scale((lr.shape[-2], lr.shape[-1]), (height, width))
        prediction = None
        if isinstance(t, str):
            if t != "prf":
                raise TimestepError(f"t={t!r} is neither a number nor 'prf'")
            prediction = self.predict(ratio, image, samples=samples, consistency=consistency)
            t = prediction.t_opt
        sigma = float(self.schedule.sigma(t))
        start = time.perf_counter()
        restored, nfe = self.restore(
            lr,
            (height, width),
            t,
            steps=steps,
            eta=eta,
            seed=seed,
            spacing=spacing,
            consistency=consistency,
            samples=samples,
            callback=callback,
        )
        seconds = time.perf_counter() - start
        image = kind.restore(restored.clamp(-1, 1))
        return Result(image, float(t), sigma**-2, sigma, nfe, seconds, ratio, prediction)

    def restore(
        self,
        lr: Tensor,
        size: Size,
        t: float,
        *,
        steps: int = DEFAULT_STEPS,
        eta: float = 0.0,
        seed: int = 0,
        spacing: Spacing = "log_snr",
        consistency: bool = True,
        samples: int = 1,
        callback: Callable[[State], None] | None = None,
    ) -> tuple[Tensor, int]:
        """Upsample, inject at ``t`` and run the reverse process, tensors in and out.

        Parameters
        ----------
        lr : Tensor
            ``(C, h, w)`` in [-1, 1], 1 or 3 channels.
        size : (int, int)
            Output height and width.
        t : float
            Injection timestep on the model's schedule.
        steps, eta, seed, spacing, consistency, samples, callback
            As for ``upscale``.

        Returns
        -------
        (Tensor, int)
            ``(C, H, W)`` on the CPU, not clipped, and the number of network evaluations.
        """
        # A network may know next to no noise at all, as flow matching does; no 8-bit image shows it.
        least = max(getattr(self.denoiser, "sigma_min", LEAST_SIGMA), LEAST_SIGMA)
        sigmas = step_sigmas(self.schedule, t, steps, spacing, least)
        check_samples(samples)
        channels = lr.shape[0]
        denoiser, work = self._match_channels(lr)
        if consistency:
            denoiser = LRConsistent(denoiser, work)
        generators = [image_generator(seed, lr, draw) for draw in range(samples)]
        lr_up = upsample(work, size).expand(samples, -1, -1, -1).to(self.device)
        x = inject_antithetic(lr_up, float(sigmas[0]), generators)
        nfe = 0
        for state in sample(denoiser, x, sigmas, eta, generators):
            x, nfe = state.x, state.nfe * samples
            if callback is not None:
                callback(state)
        restored = x.mean(0).cpu()
        if not torch.isfinite(restored).all():
            raise ModelError(f"the denoiser returned values that are not finite at t={t}: check its output")
        if channels == 1 and restored.shape[0] == 3:
            restored = restored.mean(0, keepdim=True)
        return restored, nfe

    def _match_channels(self, lr: Tensor) -> tuple[Denoiser, Tensor]:
        if self.channels == 3 and lr.shape[0] == 1:
            # Three channels with noise of their own, as the network was trained; averaged at the end.
            return self.denoiser, lr.expand(3, -1, -1)
        if self.channels == 1 and lr.shape[0] == 3:
            return PerChannel(self.denoiser), lr
        return self.denoiser, lr

    def sweep(
        self,
        images: Any,
        scales: Sequence[Scale] = (1.6, 2.7, 4.0),
        timesteps: str | Sequence[float] = "auto",
        metrics: Sequence[str] | None = None,
        seeds: Sequence[int] = (0,),
        store: str | Path | None = None,
        *,
        steps: int = DEFAULT_STEPS,
        eta: float = 0.0,
        consistency: bool = True,
        samples: int = 1,
        spacing: Spacing = "log_snr",
        progress: bool = True,
    ) -> pd.DataFrame:
        """Measure every metric over scales, timesteps and seeds; see ``sweep.run_sweep``."""
        from diffsr_toolkit.sweeps import run_sweep

        return run_sweep(
            self,
            images,
            scales=scales,
            timesteps=timesteps,
            metrics=metrics,
            seeds=seeds,
            store=store,
            steps=steps,
            eta=eta,
            consistency=consistency,
            samples=samples,
            spacing=spacing,
            progress=progress,
        )
