"""What a sweep measures: one task a picture, scale, method, timestep and seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from diffsr_toolkit.columns import DIFFSR
from diffsr_toolkit.datasets import NamedImage
from diffsr_toolkit.images import Size, degrade
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.restoration import BASELINES
from diffsr_toolkit.settings import SamplingSettings
from theory.scale import ScalePair
from theory.schedules import NoiseSchedule

AUTO_OCTAVES = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0)


@dataclass(frozen=True, eq=False)
class SweepTask:
    """One restoration of one image, the unit that a store keeps.

    Attributes
    ----------
    picture : NamedImage
        The original.
    scale : ScalePair
    lr : Tensor
        ``(C, h, w)``, the original degraded by the toolkit's kernel.
    method : str
        `DIFFSR`, or a key of ``restoration.BASELINES``.
    t : float
        Injection timestep; nan for a baseline.
    seed : int
    t_pred : float
        What was predicted for this picture and scale.
    """

    picture: NamedImage
    scale: ScalePair
    lr: Tensor
    method: str
    t: float
    seed: int
    t_pred: float

    @property
    def size(self) -> Size:
        """Height and width of the original."""
        return self.picture.hr.shape[-2], self.picture.hr.shape[-1]

    @property
    def key(self) -> dict[str, Any]:
        """What identifies the task in a store."""
        return {
            "image": self.picture.name,
            "digest": self.picture.digest,
            "scale": tuple(self.scale),
            "method": self.method,
            "t": None if np.isnan(self.t) else self.t,
            "seed": self.seed,
        }


def plan(
    predictor: Predictor,
    pictures: Sequence[NamedImage],
    scales: Sequence[ScalePair],
    timesteps: Sequence[float] | None,
    seeds: Sequence[int],
    settings: SamplingSettings,
) -> list[SweepTask]:
    """All tasks of a sweep: the baselines and every timestep and seed, for each picture and scale.

    Parameters
    ----------
    timesteps : sequence of float or None
        None spreads them around each picture's prediction.
    """
    tasks = []
    for picture in pictures:
        for scale in scales:
            lr = degrade(picture.hr, scale)
            t_pred = predictor.predict(scale, lr, settings=settings).t_opt
            tasks += [SweepTask(picture, scale, lr, method, np.nan, 0, t_pred) for method in BASELINES]
            chosen = auto_timesteps(predictor.schedule, t_pred) if timesteps is None else timesteps
            for t in chosen:
                tasks += [SweepTask(picture, scale, lr, DIFFSR, t, seed, t_pred) for seed in seeds]
    return tasks


def auto_timesteps(
    schedule: NoiseSchedule, t_pred: float, octaves: Sequence[float] = AUTO_OCTAVES
) -> list[float]:
    """Timesteps around the prediction, uniform in log-SNR, the predicted one among them.

    Parameters
    ----------
    octaves : sequence of float
        Factors of two in noise level ``sigma`` relative to the predicted one.
    """
    sigma = float(schedule.sigma(t_pred))
    low, high = (float(schedule.sigma(t)) for t in (schedule.t_min, schedule.t_max))
    levels = [sigma * 2.0**octave for octave in octaves if octave]
    inside = [float(schedule.t_of_sigma(level)) for level in levels if low <= level <= high]
    return sorted({*inside, t_pred})
