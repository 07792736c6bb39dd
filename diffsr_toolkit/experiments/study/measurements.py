"""The study's measurements: one row a photograph, scale, seed, timestep and metric, and what each LR image tells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from diffsr_toolkit.errors import ImageError, StoreError
from diffsr_toolkit.stats import baseline_value, curve
from diffsr_toolkit.pipeline import DiffSR
from diffsr_toolkit.prediction import image_spectrum
from diffsr_toolkit.images import as_scale, degrade
from diffsr_toolkit.experiments.study.arms import METRICS, SIDE, Arm
from diffsr_toolkit.calibration import photograph

KEYS = ["arm", "image", "scale_y", "scale_x", "seed"]
"""What identifies a curve of measured timesteps; each holds every metric."""

SPECTRUM = ["amplitude", "exponent", "amplitude_log_std", "exponent_std", "pivot"]
"""A ``theory.PowerLaw``, as columns."""


def measure(
    arm: Arm,
    sr: DiffSR,
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
    sr : DiffSR
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
    protocol = protocol_digest(arm, sr)
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
    for path in paths:
        hr = None
        for scale in map(as_scale, arm.scales):
            todo = [seed for seed in seeds if (arm.name, path.stem, *scale, seed) not in done]
            if not todo:
                continue
            hr = photograph(path, SIDE) if hr is None else hr
            frame = sr.sweep(
                {path.stem: hr},
                [scale],
                arm.own_timesteps(),
                metrics=METRICS,
                seeds=todo,
                store=store / arm.name,
                progress=progress,
                **arm.sampler,
            )
            for metric in METRICS:
                found = curve(frame, path.stem, scale, metric)[["seed", "t", "value"]]
                rows.append(
                    found.assign(
                        arm=arm.name,
                        image=path.stem,
                        scale_y=scale[0],
                        scale_x=scale[1],
                        protocol=protocol,
                        metric=metric,
                        value_bicubic=baseline_value(frame, path.stem, scale, metric),
                    )
                )
    table = pd.concat(rows, ignore_index=True)[[*KEYS, "protocol", "metric", "t", "value", "value_bicubic"]]
    return table.sort_values([*KEYS, "metric", "t"], ignore_index=True)


def protocol_digest(arm: Arm, sr: DiffSR) -> str:
    """Short hash of what a value depends on besides its case: weights, sampler, timesteps, metrics, size."""
    parts = {
        "weights": sr.weights_digest or sr.name,
        "sampler": arm.sampler,
        "schedule": arm.schedule,
        "timesteps": list(map(float, arm.timesteps)),
        "metrics": METRICS,
        "side": SIDE,
    }
    # A letter first: who reads the table without its types would take twelve digits for a number.
    return "p" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:11]


def told_spectra(
    paths: Sequence[Path], scales: Sequence[tuple[float, float]], known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The power law that each photograph's LR image tells, at every scale: all that a prediction sees of an image.

    Parameters
    ----------
    paths : sequence of Path
    scales : sequence of (float, float)
    known : DataFrame, optional
        Rows of earlier runs, kept where these photographs do not give them anew.

    Returns
    -------
    DataFrame
        image, scale_y, scale_x, and `SPECTRUM`.
    """
    rows = []
    for path in paths:
        hr = photograph(path, SIDE)
        for scale in scales:
            law = image_spectrum(degrade(hr, scale), scale)
            rows.append(
                {"image": path.stem, "scale_y": scale[0], "scale_x": scale[1]}
                | {name: getattr(law, name) for name in SPECTRUM}
            )
    keys = ["image", "scale_y", "scale_x"]
    table = pd.concat([*([] if known is None else [known]), pd.DataFrame(rows)], ignore_index=True)
    return table.drop_duplicates(keys, keep="last").sort_values(keys, ignore_index=True)
