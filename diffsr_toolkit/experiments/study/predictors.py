"""Every way of choosing the timestep that the study compares: three levels, per image or per scale, and baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.prediction import field, pooled, reference_spectrum
from diffsr_toolkit.calibration import matching_response
from diffsr_toolkit.experiments.study.curves import Curve
from theory.prf import ModelResponse
from theory.prf import Level
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

LEVELS: tuple[Level, ...] = ("closed_form", "spectral", "model_aware")

HUNDREDS = "best multiple of 100 per scale"
FIXED = "best single t"
BASELINES = (HUNDREDS, FIXED)
"""Ways of choosing that no theory has a part in; both are picked with hindsight."""

PER_SCALE = "best t per scale"
PER_IMAGE = "best t per photograph"
OTHER_SEED = "best t of another seed"
YARDSTICKS = (PER_SCALE, PER_IMAGE, OTHER_SEED)
"""What a prediction is measured by: hindsight on the measured grid, with a timestep a scale or a photograph; and the
best timestep of the case's own curve, drawn with other noise."""


@dataclass(frozen=True)
class Case:
    """One photograph at one scale under one metric.

    Attributes
    ----------
    image : str
    scale : (float, float)
    metric : str
    spectrum : PowerLaw
        What the LR image tells: all that a prediction sees of it.
    curve : Curve
        What was measured, mean over seeds.
    by_seed : tuple of Curve
        The same of each seed.
    """

    image: str
    scale: tuple[float, float]
    metric: str
    spectrum: PowerLaw
    curve: Curve
    by_seed: tuple[Curve, ...]


SPECTRA: dict[str, Callable[[Case], PowerLaw]] = {
    "per image": lambda case: case.spectrum,
    "pooled": lambda case: pooled(case.spectrum),
    "per scale": lambda case: reference_spectrum(),
}
"""Which spectrum predicts: the image's own, the same drawn towards the reference, or the reference for all."""


def predicted(
    schedule: NoiseSchedule,
    responses: Sequence[ModelResponse],
    case: Case,
    level: Level,
    samples: int,
    spectrum: PowerLaw,
) -> float:
    """t_opt by one level from one spectrum; nan where a level has no answer."""
    try:
        response = matching_response(responses, samples) if level == "model_aware" else None
        prf = field(schedule, spectrum, metric=case.metric, samples=samples, level=level, response=response)
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


def choose_all(
    schedule: NoiseSchedule, responses: Sequence[ModelResponse], cases: list[Case], samples: int
) -> pd.DataFrame:
    """One row a case and way of choosing: ``t_pred``, the measured ``t_best``, and what the choice costs."""
    grid = sorted({float(t) for case in cases for t in case.curve.t})
    # On another schedule the paper's grid is the timesteps of equal SNR.
    linear = NoiseSchedule.linear()
    hundreds = [float(schedule.t_of_snr(linear.snr(float(t)))) for t in range(100, 1000, 100)]
    hundreds = [t for t in hundreds if grid[0] <= t <= grid[-1] + 1e-6]
    rows = []
    for metric in METRICS:
        group = [case for case in cases if case.metric == metric]
        if not group:
            continue
        by_hundreds = hindsight(group, hundreds, lambda case: case.scale)
        fixed = hindsight(group, grid, lambda case: None)[None]
        by_scale = hindsight(group, grid, lambda case: case.scale)
        by_image = hindsight(group, grid, lambda case: case.image)
        for case in group:
            ways = {
                f"{level}, {name}": predicted(schedule, responses, case, level, samples, choose(case))
                for name, choose in SPECTRA.items()
                for level in LEVELS
            }
            ways |= {HUNDREDS: by_hundreds[case.scale], FIXED: fixed}
            ways |= {PER_SCALE: by_scale[case.scale], PER_IMAGE: by_image[case.image]}
            head = {
                "image": case.image, "scale_y": case.scale[0], "scale_x": case.scale[1], "metric": metric
            }  # fmt: skip
            for name, t in ways.items():
                alone = [curve.regret_percent(t) for curve in case.by_seed]
                judged = case.curve.judge(t) | {"regret_one_seed": float(np.mean(alone))}
                rows.append(head | {"method": name, "t_pred": t, "seeds": len(alone)} | judged)
            if len(case.by_seed) > 1:
                rows.append(head | {"method": OTHER_SEED, "seeds": len(case.by_seed)} | of_another_seed(case))
    return pd.DataFrame(rows)


def of_another_seed(case: Case) -> dict[str, Any]:
    """The judgement of a case's own best timestep, measured with one seed and used with another.

    What a measurement of the photograph itself at one draw of the noise is worth at the next.
    """
    steps, regrets = [], []
    for own, other in permutations(case.by_seed, 2):
        steps.append(abs(other.t_best - own.t_best))
        regrets.append(own.regret_percent(other.t_best))
    # Judged on the mean curve, its own noise would be part of what judges it.
    return {
        "t_best": case.curve.t_best,
        "abs_dt": float(np.mean(steps)),
        "regret_one_seed": float(np.mean(regrets)),
        "at_edge": case.curve.at_edge,
    }
