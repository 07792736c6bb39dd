"""One photograph at one scale under one metric: what was measured, and all that a prediction may see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from diffsr_toolkit.columns import CASE, SPECTRUM
from diffsr_toolkit.errors import StoreError
from diffsr_toolkit.experiments.study.arms import Arm
from diffsr_toolkit.experiments.study.curves import MetricCurve
from diffsr_toolkit.metrics import METRICS
from theory.scale import ScalePair, as_scale
from theory.spectra import PowerLaw


@dataclass(frozen=True)
class StudyCase:
    """One photograph at one scale under one metric.

    Attributes
    ----------
    image : str
    scale : ScalePair
    metric : str
    spectrum : PowerLaw
        What the LR image tells: all that a prediction sees of it.
    curve : MetricCurve
        What was measured, mean over seeds.
    by_seed : tuple of MetricCurve
        The same of each seed.
    """

    image: str
    scale: ScalePair
    metric: str
    spectrum: PowerLaw
    curve: MetricCurve
    by_seed: tuple[MetricCurve, ...]


def cases_of(arm: Arm, rows: pd.DataFrame, spectra: pd.DataFrame) -> list[StudyCase]:
    """The measured curves of an arm, with what the predictions may see.

    Parameters
    ----------
    arm : Arm
    rows : DataFrame
        The arm's part of the table of curves.
    spectra : DataFrame
        As of `measurements.told_spectra`.

    Raises
    ------
    StoreError
        When a curve lacks a timestep, or a photograph its spectrum.
    """
    t = np.array(arm.own_timesteps())
    laws = {
        (str(image), as_scale((sy, sx))): PowerLaw(*map(float, law))
        for image, sy, sx, *law in spectra[[*CASE, *SPECTRUM]].itertuples(index=False)
    }
    cases = []
    for key, group in rows.groupby([*CASE, "metric"], sort=False):
        image, scale, metric = str(key[0]), as_scale((float(key[1]), float(key[2]))), str(key[3])
        if (image, scale) not in laws:
            raise StoreError(
                f"the spectrum of {image} at scale {scale.y:g} x {scale.x:g} is missing: give the photographs"
            )
        bicubic = float(group["value_bicubic"].iloc[0])
        better = METRICS[metric].higher_is_better
        curve = partial(MetricCurve, arm.noise_schedule, t, higher_is_better=better, bicubic=bicubic)
        by_seed = []
        for seed, own in group.sort_values("t").groupby("seed"):
            # A table keeps five digits of a timestep.
            if len(own) != len(t) or not np.allclose(own["t"], t, rtol=1e-4):
                raise StoreError(
                    f"{arm.name}: {image} at scale {scale.y:g} x {scale.x:g}, {metric}, seed {seed} was measured at "
                    f"other timesteps than the arm's {len(t)}: delete its rows and measure again"
                )
            by_seed.append(curve(own["value"].to_numpy()))
        mean = curve(np.mean([one.values for one in by_seed], axis=0))
        cases.append(StudyCase(image, scale, metric, laws[image, scale], mean, tuple(by_seed)))
    return cases
