"""The study's measurements: one row a photograph, scale, seed, timestep and metric, and what each LR image tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from diffsr_toolkit.errors import StoreError
from diffsr_toolkit.optimum import baseline_value, curve
from diffsr_toolkit.pipeline import DiffSR
from diffsr_toolkit.prediction import image_spectrum
from diffsr_toolkit.resize import as_scale, degrade
from diffsr_toolkit.study.arms import METRICS, SIDE, Arm
from diffsr_toolkit.training.calibrate import photograph

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
        Columns `KEYS`, ``weights`` (digest of the network's, or the denoiser's name), ``metric``, ``t`` (on the arm's
        schedule), ``value`` and ``value_bicubic``: the known rows and the new ones.

    Raises
    ------
    StoreError
        When other weights gave the arm's known rows.
    """
    weights = sr.weights_digest or sr.name
    rows: list[pd.DataFrame] = []
    done: set[tuple[object, ...]] = set()
    if known is not None:
        others = set(known["weights"][known["arm"] == arm.name]) - {weights}
        if others:
            raise StoreError(
                f"the curves of {arm.name} were measured with weights {min(others)}, now they are {weights}: choose "
                "another folder for the tables, or delete these rows"
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
                        weights=weights,
                        metric=metric,
                        value_bicubic=baseline_value(frame, path.stem, scale, metric),
                    )
                )
    table = pd.concat(rows, ignore_index=True)[[*KEYS, "weights", "metric", "t", "value", "value_bicubic"]]
    return table.sort_values([*KEYS, "metric", "t"], ignore_index=True)


def told_spectra(paths: Sequence[Path], scales: Sequence[tuple[float, float]]) -> pd.DataFrame:
    """The power law that each photograph's LR image tells, at every scale: all that a prediction sees of an image.

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
    return pd.DataFrame(rows)
