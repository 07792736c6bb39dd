"""Every way of choosing the timestep that the study compares: three levels, per image or per scale, and rivals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any, get_args

import numpy as np
import pandas as pd

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.experiments.study.cases import StudyCase
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.settings import SamplingSettings
from theory.prf import Level
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

HUNDREDS = "best multiple of 100 per scale"
FIXED = "best single t"
RIVALS = (HUNDREDS, FIXED)
"""Ways of choosing that no theory has a part in, both picked with hindsight: what a prediction has to beat."""

PER_SCALE = "best t per scale"
PER_IMAGE = "best t per photograph"
OTHER_SEED = "best t of another seed"
YARDSTICKS = (PER_SCALE, PER_IMAGE, OTHER_SEED)
"""What a prediction is measured by: hindsight on the measured grid, with a timestep a scale or a photograph; and the
best timestep of the case's own curve, drawn with other noise."""

SPECTRA: dict[str, Callable[[Predictor, StudyCase], PowerLaw]] = {
    "per image": lambda predictor, case: case.spectrum,
    "pooled": lambda predictor, case: predictor.pooled(case.spectrum),
    "per scale": lambda predictor, case: predictor.card.spectrum,
}
"""Which spectrum predicts: the image's own, the same drawn towards the card's, or the card's for all."""


def predicted(
    predictor: Predictor, case: StudyCase, level: Level, settings: SamplingSettings, spectrum: PowerLaw
) -> float:
    """t_opt by one level from one spectrum; nan where a level has no answer under these settings."""
    try:
        prf = predictor.field(spectrum, level=level, metric=case.metric, settings=settings)
    except ToolkitError:
        return float("nan")
    return prf.predict(case.scale).t_opt


def hindsight(
    cases: list[StudyCase], candidates: list[float], key: Callable[[StudyCase], object]
) -> dict[object, float]:
    """For each group of cases the one candidate timestep with the least mean relative regret.

    It is chosen on the very cases it is then judged on: no honest method could do better with one timestep a group.
    """
    groups: dict[object, list[StudyCase]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)

    def cost(group: list[StudyCase], t: float) -> float:
        return float(np.mean([case.curve.regret_percent(t) for case in group]))

    return {name: min(candidates, key=lambda t: cost(group, t)) for name, group in groups.items()}


def choose_all(predictor: Predictor, settings: SamplingSettings, cases: list[StudyCase]) -> pd.DataFrame:
    """One row a case and way of choosing: ``t_pred``, the measured ``t_best``, and what the choice costs.

    Parameters
    ----------
    predictor : Predictor
        Of the denoiser and schedule that were measured.
    settings : SamplingSettings
        With which they were.
    cases : list of StudyCase
    """
    schedule = predictor.schedule
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
                f"{level}, {name}": predicted(predictor, case, level, settings, choose(predictor, case))
                for name, choose in SPECTRA.items()
                for level in get_args(Level)
            }
            ways |= {HUNDREDS: by_hundreds[case.scale], FIXED: fixed}
            ways |= {PER_SCALE: by_scale[case.scale], PER_IMAGE: by_image[case.image]}
            head = {"image": case.image, "scale_y": case.scale.y, "scale_x": case.scale.x, "metric": metric}
            for name, t in ways.items():
                alone = [curve.regret_percent(t) for curve in case.by_seed]
                judged = case.curve.judge(t) | {"regret_one_seed": float(np.mean(alone))}
                rows.append(head | {"method": name, "t_pred": t, "seeds": len(alone)} | judged)
            if len(case.by_seed) > 1:
                rows.append(head | {"method": OTHER_SEED, "seeds": len(case.by_seed)} | of_another_seed(case))
    return pd.DataFrame(rows)


def of_another_seed(case: StudyCase) -> dict[str, Any]:
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
