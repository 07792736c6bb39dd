"""Every way of choosing the timestep that the study compares: three levels, per image or per scale, and baselines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import Tensor

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.pipeline import DiffSR
from diffsr_toolkit.prediction import expected_spectrum, field, image_spectrum, reference_spectrum
from diffsr_toolkit.response import matching_response
from diffsr_toolkit.study.curves import Curve
from theory.prf import Level
from theory.schedule import NoiseSchedule
from theory.spectra import PowerLaw

LEVELS: tuple[Level, ...] = ("closed_form", "spectral", "model_aware")

HUNDREDS = "best multiple of 100 per scale"
FIXED = "best single t"


@dataclass(frozen=True)
class Case:
    """One photograph at one scale under one metric.

    Attributes
    ----------
    image : str
    scale : (float, float)
    metric : str
    lr : Tensor
        What the prediction may see.
    curve : Curve
        What was measured.
    """

    image: str
    scale: tuple[float, float]
    metric: str
    lr: Tensor
    curve: Curve


SPECTRA: dict[str, Callable[[Case], PowerLaw]] = {
    "per image": lambda case: image_spectrum(case.lr, case.scale),
    "pooled": lambda case: expected_spectrum(case.lr, case.scale),
    "per scale": lambda case: reference_spectrum(),
}
"""Which spectrum predicts: the image's own, the same drawn towards the reference, or the reference for all."""


def predicted(sr: DiffSR, case: Case, level: Level, samples: int, spectrum: PowerLaw) -> float:
    """t_opt by one level from one spectrum; nan where a level has no answer."""
    try:
        response = matching_response(sr.responses, samples) if level == "model_aware" else None
        prf = field(
            sr.schedule, spectrum, metric=case.metric, samples=samples, level=level, response=response
        )
    except ToolkitError:
        return float("nan")
    return prf.predict(case.scale).t_opt


def hindsight(
    cases: list[Case], candidates: list[float], key: Callable[[Case], object]
) -> dict[object, float]:
    """For each group of cases the one candidate timestep with the least mean relative regret.

    It is chosen on the very cases it is then judged on: no honest method could do better with one timestep a group.
    """
    groups: dict[object, list[Case]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)

    def cost(group: list[Case], t: float) -> float:
        return float(np.mean([case.curve.regret_percent(t) for case in group]))

    return {name: min(candidates, key=lambda t: cost(group, t)) for name, group in groups.items()}


def choose_all(sr: DiffSR, cases: list[Case], samples: int) -> pd.DataFrame:
    """One row a case and way of choosing: ``t_pred``, the measured ``t_best``, and what the choice costs."""
    grid = sorted({float(t) for case in cases for t in case.curve.t})
    # On another schedule the paper's grid is the timesteps of equal SNR.
    linear = NoiseSchedule.linear()
    hundreds = [float(sr.schedule.t_of_snr(linear.snr(float(t)))) for t in range(100, 1000, 100)]
    hundreds = [t for t in hundreds if grid[0] <= t <= grid[-1] + 1e-6]
    rows = []
    for metric in METRICS:
        group = [case for case in cases if case.metric == metric]
        if not group:
            continue
        by_scale = hindsight(group, hundreds, lambda case: case.scale)
        fixed = hindsight(group, grid, lambda case: None)[None]
        for case in group:
            spectra = {name: choose(case) for name, choose in SPECTRA.items()}
            ways = {
                f"{level}, {name}": predicted(sr, case, level, samples, spectrum)
                for name, spectrum in spectra.items()
                for level in LEVELS
            }
            for name, t in {**ways, HUNDREDS: by_scale[case.scale], FIXED: fixed}.items():
                rows.append(
                    {
                        "image": case.image,
                        "scale_y": case.scale[0],
                        "scale_x": case.scale[1],
                        "metric": metric,
                        "method": name,
                        "t_pred": t,
                        **case.curve.judge(t),
                    }
                )
    return pd.DataFrame(rows)
