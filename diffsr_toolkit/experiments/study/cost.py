"""What a prediction costs, level by level: time on this machine, and what must have been measured before."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd

from diffsr_toolkit.prediction import field, reference_spectrum
from diffsr_toolkit.calibration import matching_response
from diffsr_toolkit.experiments.study.predictors import LEVELS
from diffsr_toolkit.experiments.study.tables import method_title
from theory.prf import ModelResponse
from theory.schedules import NoiseSchedule

NEEDS = {
    "closed_form": "one constant per metric",
    "spectral": "one weight per metric",
    "model_aware": "response per sampler, sensitivity per metric",
}
"""What each level needs that was measured once and serves every image."""


def prediction_cost(
    schedule: NoiseSchedule,
    responses: Sequence[ModelResponse],
    metric: str = "feature_distance",
    scale: float = 4.0,
    repeats: int = 15,
) -> pd.DataFrame:
    """Milliseconds of one prediction once the spectrum is known, at every level.

    Parameters
    ----------
    schedule : NoiseSchedule
    responses : sequence of ModelResponse
        Of the model.
    metric : str
    scale : float
    repeats : int
        The fastest counts: the others tell what else the machine was doing.

    Returns
    -------
    DataFrame
        level, ``milliseconds``, and what it needs.
    """
    rows = []
    for level in LEVELS:
        response = matching_response(responses) if level == "model_aware" else None
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            field(schedule, reference_spectrum(), metric=metric, level=level, response=response).predict(
                scale
            )
            seconds.append(time.perf_counter() - start)
        rows.append(
            {
                "level": method_title(level),
                "milliseconds": 1000 * min(seconds),
                "measured before": NEEDS[level],
            }
        )
    return pd.DataFrame(rows)
