"""``DiffSR``: one object that predicts, super-resolves and sweeps with one pretrained model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from diffsr_toolkit.errors import TimestepError
from diffsr_toolkit.images import (
    BYTES_PER_PIXEL,
    Size,
    check_memory,
    effective_scale,
    output_size,
    to_planes,
    to_tensor,
)
from diffsr_toolkit.models import Denoiser, ModelCard, plain_card
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.sampling import State
from diffsr_toolkit.settings import SamplingSettings, Spacing
from theory.prf import Level, Prediction
from theory.scale import Scale
from theory.schedules import NoiseSchedule

if TYPE_CHECKING:
    import pandas as pd

    from theory.degradation import Degradation


@dataclass(frozen=True, repr=False)
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
    scale : (float, float)
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

    def __repr__(self) -> str:
        size = getattr(self.image, "shape", None) or getattr(self.image, "size", None)
        kind = f"{type(self.image).__name__} of {'x'.join(map(str, tuple(size or ())))}"
        how = "given" if self.prediction is None else "predicted"
        return (
            f"Result({kind}, t={self.t:.4g} ({how}), sigma={self.sigma:.4g}, nfe={self.nfe}, "
            f"scale={self.scale[0]:.4g} x {self.scale[1]:.4g}, {self.seconds:.2f} s)"
        )


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
    device : str or torch.device
        Where the denoiser lives.
    card : ModelCard, optional
        What predictions know of this model (``diffsr calibrate`` makes one); by default what is known of
        photographs, and of no model.

    References
    ----------
    Li et al., "Dissecting Arbitrary-scale Super-resolution Capability from Pre-trained Diffusion Generative
    Models", arXiv 2306.00714.
    """

    def __init__(
        self,
        denoiser: Denoiser | Callable[[Tensor, Tensor], Tensor],
        schedule: NoiseSchedule,
        *,
        channels: int | None = None,
        name: str = "custom",
        device: str | torch.device = "cpu",
        card: ModelCard | None = None,
    ) -> None:
        self.restorer = DiffusionRestorer(denoiser, schedule, channels=channels, name=name, device=device)
        self.predictor = Predictor(schedule, plain_card(name, schedule) if card is None else card)

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
        return cls(model.denoiser, model.schedule, name=name, device=model.denoiser.device, card=model.card)

    def __repr__(self) -> str:
        schedule = self.schedule
        return (
            f"DiffSR({self.name!r}, {type(self.denoiser).__name__} of {self.denoiser.channels or 'any'} channels, "
            f"{schedule.name} schedule with t from {schedule.t_min:g} to {schedule.t_max:g}, "
            f"{len(self.card.responses)} measured responses, on {self.device})"
        )

    @property
    def name(self) -> str:
        """For tables."""
        return self.restorer.name

    @property
    def denoiser(self) -> Denoiser:
        """The adapted network itself, ``D(x, sigma)``."""
        return self.restorer.denoiser

    @property
    def schedule(self) -> NoiseSchedule:
        """On which timesteps are told."""
        return self.restorer.schedule

    @property
    def card(self) -> ModelCard:
        """What predictions know of this model."""
        return self.predictor.card

    @property
    def device(self) -> torch.device:
        """Where the denoiser lives."""
        return self.restorer.device

    def predict(
        self,
        scale: Scale,
        image: Any = None,
        degradation: Degradation | str | None = None,
        *,
        level: Level | None = None,
        metric: str = "feature_distance",
        steps: int = 10,
        eta: float = 0.0,
        spacing: Spacing = "log_snr",
        samples: int = 1,
        consistency: bool = True,
    ) -> Prediction:
        """Predict the Perceptual Recoverable Field; theory only, no network evaluation.

        Parameters
        ----------
        scale : float or (sy, sx)
            At least 1.
        image : PIL.Image.Image, ndarray or Tensor, optional
            The low-resolution image.
        degradation, level, metric
            See ``Predictor.predict``.
        steps, eta, spacing, samples, consistency
            How the restoration is meant to be sampled; see `SamplingSettings`.
        """
        settings = SamplingSettings(
            steps=steps, eta=eta, spacing=spacing, samples=samples, consistency=consistency
        )
        lr = None if image is None else to_planes(image)[0]
        return self.predictor.predict(scale, lr, degradation, level=level, metric=metric, settings=settings)

    def upscale(
        self,
        image: Any,
        scale: Scale | None = None,
        *,
        size: Size | None = None,
        t: float | str = "prf",
        steps: int = 10,
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
            The low-resolution image; see ``images.to_planes`` for kinds and ranges.
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
            See ``sampling.step_sigmas``.
        consistency : bool
            Back-project every estimate onto the low-resolution image, which takes it to be a noise-free bicubic
            reduction. False is plain Diff-SR.
        samples : int
            Restorations averaged, each of ``steps`` evaluations, with antithetic noise: more fidelity, less texture.
        callback : callable, optional
            Called with every ``State`` of the reverse process.

        Raises
        ------
        ToolkitError
            Bad scale, timestep, image, or an output that would not fit in memory; see the message.
        """
        settings = SamplingSettings(
            steps=steps, eta=eta, spacing=spacing, samples=samples, consistency=consistency
        )
        lr, kind = to_tensor(image)
        lr_size = lr.shape[-2], lr.shape[-1]
        height, width = output_size(lr_size, scale, size)
        # All samples are one batch.
        work, channels = settings.samples * BYTES_PER_PIXEL, max(lr.shape[0], self.denoiser.channels or 1)
        check_memory(height, width, channels, scale=scale, bytes_per_pixel=work)
        ratio, prediction = effective_scale(lr_size, (height, width)), None
        if isinstance(t, str):
            if t != "prf":
                raise TimestepError(f"t={t!r} is neither a number nor 'prf'")
            prediction = self.predictor.predict(ratio, lr, settings=settings)
            t = prediction.t_opt
        sigma = float(self.schedule.sigma(t))
        start = time.perf_counter()
        restored, nfe = self.restorer.restore(lr, (height, width), t, settings, seed=seed, callback=callback)
        seconds = time.perf_counter() - start
        image = kind.restore(restored.clamp(-1, 1))
        return Result(image, float(t), sigma**-2, sigma, nfe, seconds, ratio, prediction)

    def sweep(
        self,
        images: Any,
        scales: Sequence[Scale] = (1.6, 2.7, 4.0),
        timesteps: str | Sequence[float] = "auto",
        metrics: Sequence[str] | None = None,
        seeds: Sequence[int] = (0,),
        store: str | Path | None = None,
        *,
        steps: int = 10,
        eta: float = 0.0,
        consistency: bool = True,
        samples: int = 1,
        spacing: Spacing = "log_snr",
        progress: bool = True,
    ) -> pd.DataFrame:
        """Measure every metric over scales, timesteps and seeds; see ``sweeps.run_sweep``."""
        from diffsr_toolkit.sweeps import run_sweep

        settings = SamplingSettings(
            steps=steps, eta=eta, spacing=spacing, samples=samples, consistency=consistency
        )
        return run_sweep(
            self.restorer,
            self.predictor,
            images,
            scales=scales,
            timesteps=timesteps,
            metrics=metrics,
            seeds=seeds,
            store=store,
            settings=settings,
            progress=progress,
        )
