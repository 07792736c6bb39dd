"""From what was measured to the study's tables; needs no network and no photograph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pandas as pd

from diffsr_toolkit.errors import StoreError
from diffsr_toolkit.experiments.study.arms import ARMS, Arm
from diffsr_toolkit.experiments.study.cases import cases_of
from diffsr_toolkit.experiments.study.predictors import PER_SCALE, RIVALS, choose_all
from diffsr_toolkit.experiments.study.summary import differences, summarise
from theory.prf import Level

PAIRS = [
    *((f"{level}, pooled", other) for level in ("closed_form", "model_aware") for other in RIVALS),
    *(("model_aware, per scale", other) for other in (*RIVALS, PER_SCALE)),
    *(
        (f"{level}, {own}", f"{level}, per scale")
        for level in get_args(Level)
        for own in ("per image", "pooled")
    ),
    ("spectral, pooled", "closed_form, pooled"),
    ("model_aware, pooled", "closed_form, pooled"),
    ("model_aware, per scale", "closed_form, per scale"),
]
"""Questions of the study: are the paper's grid and one fixed timestep beaten; do the image and the level pay."""


def analyse(
    curves: pd.DataFrame, spectra: pd.DataFrame, arms: Mapping[str, Arm] = ARMS
) -> dict[str, pd.DataFrame]:
    """Every prediction beside its measurement, and what follows.

    Parameters
    ----------
    curves : DataFrame
        As of `measurements.measure_curves`.
    spectra : DataFrame
        As of `measurements.told_spectra`.
    arms : mapping of str to Arm

    Returns
    -------
    dict of str to DataFrame
        ``cases``, ``summary``, ``per_scale`` and ``differences``.

    Raises
    ------
    StoreError
        When a curve lacks a timestep, a photograph its spectrum, or an arm is unknown.
    """
    strange = sorted(set(curves["arm"]) - set(arms))
    if strange or curves.empty:
        raise StoreError(
            f"the curves hold {f'the unknown arm {strange[0]!r}' if strange else 'no rows'}: measure the arms "
            f"{', '.join(arms)}"
        )
    table = pd.concat(
        [
            choose_all(arm.predictor(), arm.settings, cases_of(arm, rows, spectra)).assign(arm=name)
            for name, arm in arms.items()
            if len(rows := curves[curves["arm"] == name])
        ],
        ignore_index=True,
    )
    return {
        "cases": table,
        "summary": summarise(table),
        "per_scale": summarise(table, per_scale=True),
        "differences": differences(table, PAIRS),
    }
