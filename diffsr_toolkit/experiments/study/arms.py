"""The arms of the study: which denoiser, on which schedule, with which sampler, over which scales and timesteps."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.experiments.study.tables import RESPONSES
from diffsr_toolkit.models import (
    FFDNet,
    MixtureDenoiser,
    ModelCard,
    WienerDenoiser,
    load_card,
    load_model,
    reference_card,
)
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.settings import PAIR, SamplingSettings
from theory.prf import ModelResponse
from theory.scale import Scale
from theory.schedules import NoiseSchedule

LONGER_SIDE = 160
"""Longer side, in pixels, to which every photograph of the study is reduced as a whole."""

STUDY_METRICS = ("psnr_rgb", "psnr_y", "ssim", "lr_psnr", "feature_distance")

SCALES: tuple[Scale, ...] = (1.3, 1.6, 2.0, 2.7, 4.0, 6.0, 8.0, (2.0, 4.0))
FEWER_SCALES: tuple[Scale, ...] = (1.6, 2.7, 4.0, 6.0)

TIMESTEPS = (0, 2, 5, 9, 15, 23, 34, 50, 72, 100, 140, 200, 300)
"""Of the linear schedule: dense where single restorations are best, and the multiples of 100 of the paper's grid."""

FEWER_TIMESTEPS = (2, 5, 9, 15, 23, 34, 50, 72, 100, 200)
AVERAGED_TIMESTEPS = (9, 23, 50, 72, 100, 150, 200, 300, 400)
SHORT_TIMESTEPS = (2, 9, 23, 50, 72, 100, 140)

DEFAULTS = SamplingSettings()
"""``DiffSR.upscale``'s own."""

EMBEDDED = "embedded"
"""The denoiser with a card of its own; what the others give back is in `RESPONSES`."""


@dataclass(frozen=True)
class Arm:
    """One setting under which the whole prediction is put to the test.

    Attributes
    ----------
    name : str
    title : str
        For tables.
    denoiser : {"embedded", "wiener", "mixture", "ffdnet"}
    settings : SamplingSettings
        How every restoration is sampled.
    schedule : {"linear", "cosine", "flow_matching"}
        Timesteps are those of equal SNR to `timesteps` of the linear schedule: the network is the same, re-timed.
    scales : sequence of float or (sy, sx)
    timesteps : sequence of float
        On the linear 1000-step schedule.
    """

    name: str
    title: str
    denoiser: str
    settings: SamplingSettings = DEFAULTS
    schedule: str = "linear"
    scales: Sequence[Scale] = FEWER_SCALES
    timesteps: Sequence[float] = FEWER_TIMESTEPS

    def build(self) -> DiffusionRestorer:
        """The restorer of this arm."""
        if self.denoiser != EMBEDDED:
            denoiser, name = _denoiser(self.denoiser)
            return DiffusionRestorer(denoiser, self.noise_schedule, channels=3, name=name)
        # Half precision halves the time; the error that it adds is scaled by the noise level.
        model = load_model(EMBEDDED, dtype=torch.bfloat16)
        schedule = model.schedule if self.schedule == "linear" else self.noise_schedule
        return DiffusionRestorer(model.denoiser, schedule, name=EMBEDDED, device=model.denoiser.device)

    @property
    def noise_schedule(self) -> NoiseSchedule:
        """The schedule of this name."""
        return schedule_of(self.schedule)

    def card(self) -> ModelCard:
        """What predictions know of the arm's denoiser; it takes no network to read."""
        if self.denoiser == EMBEDDED:
            return load_card(EMBEDDED)
        return replace(reference_card(), name=self.denoiser, responses=_measured_responses(self.name))

    def predictor(self) -> Predictor:
        """What predicts on this arm's schedule."""
        return Predictor(self.noise_schedule, self.card())

    def own_timesteps(self) -> list[float]:
        """`timesteps` on this arm's schedule."""
        linear, own = NoiseSchedule.linear(), self.noise_schedule
        if own.name == linear.name:
            return [float(t) for t in self.timesteps]
        return [float(own.t_of_snr(linear.snr(float(t)))) for t in self.timesteps]


def schedule_of(name: str) -> NoiseSchedule:
    """A schedule by the name of its constructor."""
    known = {
        schedule.name: schedule
        for schedule in (NoiseSchedule.linear(), NoiseSchedule.cosine(), NoiseSchedule.flow_matching())
    }
    if name not in known:
        raise ToolkitError(f"schedule {name!r} is not in the study: choose among {', '.join(known)}")
    return known[name]


def _measured_responses(arm: str) -> tuple[ModelResponse, ...]:
    """What the study measured of an arm's denoiser; empty where it measured nothing."""
    try:
        stored = json.loads(data_path("study", RESPONSES).read_text())
    except ToolkitError:
        return ()
    return (ModelResponse.from_dict(stored[arm]),) if arm in stored else ()


def _denoiser(name: str) -> tuple[Callable[[Tensor, Tensor], Tensor], str]:
    """A denoiser without a card of its own, and a name that changes with what it knows."""
    if name == "wiener":
        law = reference_card().spectrum
        return WienerDenoiser(law), f"wiener {law.amplitude:.4g} f^-{law.exponent:.4g}"
    if name == "mixture":
        return MixtureDenoiser(), name
    if name == "ffdnet":
        return FFDNet(), name
    raise ToolkitError(f"denoiser {name!r} is not in the study: choose embedded, wiener, mixture or ffdnet")


ARMS: dict[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm("single", "embedded, eta 0", EMBEDDED, scales=SCALES, timesteps=TIMESTEPS),
        Arm("pair", "embedded, PAIR (eta 1)", EMBEDDED, PAIR, timesteps=AVERAGED_TIMESTEPS),
        Arm("ancestral", "embedded, eta 1", EMBEDDED, SamplingSettings(eta=1.0), timesteps=SHORT_TIMESTEPS),
        *(
            Arm(
                f"{schedule}_steps",
                f"embedded on {schedule}, steps uniform in t",
                EMBEDDED,
                SamplingSettings(spacing="timestep"),
                schedule=schedule,
                timesteps=SHORT_TIMESTEPS,
            )
            for schedule in ("linear", "cosine", "flow_matching")
        ),
        # FFDNet knows noise up to 75 of 255, which is t = 170.
        Arm("ffdnet", "FFDNet, eta 0", "ffdnet", timesteps=(*FEWER_TIMESTEPS[:-1], 150)),
        Arm("wiener", "Wiener, eta 0", "wiener"),
        Arm("mixture", "patch mixture, eta 0", "mixture", timesteps=SHORT_TIMESTEPS),
    )
}
"""All arms by name; the first is ``DiffSR.upscale``'s own setting."""
