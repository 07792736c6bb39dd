"""The study's measurements: one row a photograph, scale, seed, timestep and metric, and what each LR image tells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from diffsr_toolkit.columns import CASE, KEYS, SPECTRUM
from diffsr_toolkit.datasets import photograph
from diffsr_toolkit.errors import ImageError, StoreError
from diffsr_toolkit.experiments.study.arms import LONGER_SIDE, STUDY_METRICS, Arm
from diffsr_toolkit.images import degrade
from diffsr_toolkit.models import reference_card
from diffsr_toolkit.prediction import image_spectrum
from diffsr_toolkit.restoration import Restorer
from diffsr_toolkit.stats import baseline_value, curve
from diffsr_toolkit.sweeps import run_sweep
from theory.scale import ScalePair, as_scale


def measure_curves(
    arm: Arm,
    restorer: Restorer,
    paths: Sequence[Path],
    store: Path,
    seeds: Sequence[int],
    known: pd.DataFrame | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Sweep an arm over photographs; what the store or `known` holds is not measured again.

    Parameters
    ----------
    arm : Arm
    restorer : Restorer
        What ``arm.build()`` gave.
    paths : sequence of Path
        Photographs that no calibration saw.
    store : Path
        Folder of the resumable sweeps.
    seeds : sequence of int
    known : DataFrame, optional
        Rows of earlier runs.
    progress : bool

    Returns
    -------
    DataFrame
        Columns `KEYS`, ``protocol`` (as of `protocol_digest`), ``metric``, ``t`` (on the arm's schedule), ``value`` and
        ``value_bicubic``: the known rows and the new ones.

    Raises
    ------
    ImageError
        When two photographs share a name.
    StoreError
        When the arm's known rows were measured in another way.
    """
    repeated = sorted({path.stem for path in paths if [other.stem for other in paths].count(path.stem) > 1})
    if repeated:
        raise ImageError(f"the photograph {repeated[0]!r} was given twice: give files of distinct names")
    protocol = protocol_digest(arm, restorer)
    rows: list[pd.DataFrame] = []
    done: set[tuple[object, ...]] = set()
    if known is not None:
        others = set(known["protocol"][known["arm"] == arm.name]) - {protocol}
        if others:
            raise StoreError(
                f"the curves of {arm.name} were measured in another way (weights, sampler, timesteps, metrics or size; "
                f"protocol {min(others)}, now {protocol}): choose another folder for the tables, or delete these rows"
            )
        rows, done = [known], set(known[KEYS].itertuples(index=False, name=None))
    predictor = arm.predictor()
    for path in paths:
        hr = None
        for scale in map(as_scale, arm.scales):
            todo = [seed for seed in seeds if (arm.name, path.stem, *scale, seed) not in done]
            if not todo:
                continue
            hr = photograph(path, LONGER_SIDE) if hr is None else hr
            frame = run_sweep(
                restorer,
                predictor,
                {path.stem: hr},
                scales=[scale],
                timesteps=arm.own_timesteps(),
                metrics=STUDY_METRICS,
                seeds=todo,
                store=store / arm.name,
                settings=arm.settings,
                progress=progress,
            )
            for metric in STUDY_METRICS:
                found = curve(frame, path.stem, scale, metric)[["seed", "t", "value"]]
                rows.append(
                    found.assign(
                        arm=arm.name,
                        image=path.stem,
                        scale_y=scale.y,
                        scale_x=scale.x,
                        protocol=protocol,
                        metric=metric,
                        value_bicubic=baseline_value(frame, path.stem, scale, metric),
                    )
                )
    table = pd.concat(rows, ignore_index=True)[[*KEYS, "protocol", "metric", "t", "value", "value_bicubic"]]
    return table.sort_values([*KEYS, "metric", "t"], ignore_index=True)


def protocol_digest(arm: Arm, restorer: Restorer) -> str:
    """Short hash of what a value depends on besides its case: weights, sampler, timesteps, metrics, size."""
    parts = {
        "weights": restorer.weights_digest or restorer.name,
        "settings": arm.settings.protocol(),
        "schedule": arm.schedule,
        "timesteps": list(map(float, arm.timesteps)),
        "metrics": STUDY_METRICS,
        "longer_side": LONGER_SIDE,
    }
    # A letter first: who reads the table without its types would take twelve digits for a number.
    return "p" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:11]


def told_spectra(
    paths: Sequence[Path], scales: Sequence[ScalePair], known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The power law that each photograph's LR image tells, at every scale: all that a prediction sees of an image.

    Parameters
    ----------
    paths : sequence of Path
    scales : sequence of ScalePair
    known : DataFrame, optional
        Rows of earlier runs, kept where these photographs do not give them anew.

    Returns
    -------
    DataFrame
        `CASE` and `SPECTRUM`.
    """
    rows = []
    reference = reference_card().spectrum
    for path in paths:
        hr = photograph(path, LONGER_SIDE)
        for scale in scales:
            law = image_spectrum(degrade(hr, scale), scale, reference)
            rows.append(
                {"image": path.stem, "scale_y": scale.y, "scale_x": scale.x}
                | {name: getattr(law, name) for name in SPECTRUM}
            )
    table = pd.concat([*([] if known is None else [known]), pd.DataFrame(rows)], ignore_index=True)
    return table.drop_duplicates(CASE, keep="last").sort_values(CASE, ignore_index=True)
