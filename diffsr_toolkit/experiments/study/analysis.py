"""From what was measured to the study's tables; needs no network and no photograph."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from diffsr_toolkit.errors import StoreError
from diffsr_toolkit.metrics import METRICS as KNOWN
from diffsr_toolkit.experiments.study.arms import ARMS, Arm
from diffsr_toolkit.experiments.study.curves import Curve
from diffsr_toolkit.experiments.study.measurements import SPECTRUM
from diffsr_toolkit.experiments.study.predictors import BASELINES, LEVELS, PER_SCALE, Case, choose_all
from diffsr_toolkit.experiments.study.summary import differences, summarise
from theory.spectra import PowerLaw

PAIRS = [
    *((f"{level}, pooled", other) for level in ("closed_form", "model_aware") for other in BASELINES),
    *(("model_aware, per scale", other) for other in (*BASELINES, PER_SCALE)),
    *((f"{level}, {own}", f"{level}, per scale") for level in LEVELS for own in ("per image", "pooled")),
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
        As of ``study.measure.measure``.
    spectra : DataFrame
        As of ``study.measure.told_spectra``.
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
            choose_all(
                arm.noise_schedule, arm.responses(), cases_of(arm, rows, spectra), arm.sampler["samples"]
            ).assign(arm=name)
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


def cases_of(arm: Arm, rows: pd.DataFrame, spectra: pd.DataFrame) -> list[Case]:
    """The measured curves of an arm, with what the predictions may see.

    Raises
    ------
    StoreError
        When a curve lacks a timestep, or a photograph its spectrum.
    """
    t = np.array(arm.own_timesteps())
    laws = {
        (str(image), float(sy), float(sx)): PowerLaw(*map(float, law))
        for image, sy, sx, *law in spectra[["image", "scale_y", "scale_x", *SPECTRUM]].itertuples(index=False)
    }
    cases = []
    for key, group in rows.groupby(["image", "scale_y", "scale_x", "metric"], sort=False):
        image, sy, sx, metric = str(key[0]), float(key[1]), float(key[2]), str(key[3])
        if (image, sy, sx) not in laws:
            raise StoreError(
                f"the spectrum of {image} at scale {sy:g} x {sx:g} is missing: give the photographs"
            )
        bicubic = float(group["value_bicubic"].iloc[0])
        better = KNOWN[metric].higher_is_better
        curve = partial(Curve, arm.noise_schedule, t, higher_is_better=better, bicubic=bicubic)
        by_seed = []
        for seed, own in group.sort_values("t").groupby("seed"):
            # A table keeps five digits of a timestep.
            if len(own) != len(t) or not np.allclose(own["t"], t, rtol=1e-4):
                raise StoreError(
                    f"{arm.name}: {image} at scale {sy:g} x {sx:g}, {metric}, seed {seed} was measured at other "
                    f"timesteps than the arm's {len(t)}: delete its rows and measure again"
                )
            by_seed.append(curve(own["value"].to_numpy()))
        mean = curve(np.mean([one.values for one in by_seed], axis=0))
        cases.append(Case(image, (sy, sx), metric, laws[image, sy, sx], mean, tuple(by_seed)))
    return cases
