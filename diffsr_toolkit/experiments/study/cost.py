"""What a prediction costs, level by level: time on this machine, and what must have been measured before."""

from __future__ import annotations

import time

import pandas as pd

from diffsr_toolkit.experiments.study.readable import method_title
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.settings import SamplingSettings
from theory.prf import Level

DEFAULTS = SamplingSettings()

NEEDS: dict[Level, str] = {
    "closed_form": "one constant per metric",
    "spectral": "one weight per metric",
    "model_aware": "response per sampler, sensitivity per metric",
}
"""What each level needs that was measured once and serves every image."""


def prediction_cost(
    predictor: Predictor,
    metric: str = "feature_distance",
    scale: float = 4.0,
    settings: SamplingSettings = DEFAULTS,
    repeats: int = 15,
) -> pd.DataFrame:
    """Milliseconds of one prediction once the spectrum is known, at every level.

    Parameters
    ----------
    predictor : Predictor
        Of a model whose response was measured.
    metric : str
    scale : float
    settings : SamplingSettings
    repeats : int
        The fastest counts: the others tell what else the machine was doing.

    Returns
    -------
    DataFrame
        level, ``milliseconds``, and what it needs.

    Raises
    ------
    ToolkitError
        When the model's response under these settings is not known.
    """
    rows = []
    for level, needs in NEEDS.items():
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            spectrum = predictor.card.spectrum
            predictor.field(spectrum, level=level, metric=metric, settings=settings).predict(scale)
            seconds.append(time.perf_counter() - start)
        rows.append(
            {"level": method_title(level), "milliseconds": 1000 * min(seconds), "measured before": needs}
        )
    return pd.DataFrame(rows)
