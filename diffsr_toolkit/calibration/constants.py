"""The theory's one constant ``c`` per metric, found by sweeping candidates at one scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsr_toolkit.columns import DIFFSR
from diffsr_toolkit.datasets import NamedImage
from diffsr_toolkit.images import degrade
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.prediction import image_spectrum
from diffsr_toolkit.restoration import Restorer
from diffsr_toolkit.settings import SamplingSettings
from diffsr_toolkit.sweeps import Rows, SweepTask, measure_tasks, open_store
from theory.prf import missing_deficit
from theory.scale import as_scale
from theory.spectra import PowerLaw

if TYPE_CHECKING:
    import pandas as pd

CANDIDATES = tuple(2.0**power for power in range(-5, 10))
"""Values of c that are swept."""

_LARGEST_TOLERANCE = 0.99
"""A realism deficit cannot be tolerated whole."""


def sweep_candidates(
    restorer: Restorer,
    picture: NamedImage,
    settings: SamplingSettings,
    *,
    scale: float,
    reference: PowerLaw,
    candidates: Sequence[float] = CANDIDATES,
    seeds: Sequence[int] = (0,),
    store: Path | None = None,
) -> pd.DataFrame:
    """Restore one picture at the noise level of every candidate, beside bicubic.

    A candidate beyond the schedule's ends is measured there, as a prediction would be clipped.

    Parameters
    ----------
    restorer : Restorer
    picture : NamedImage
    settings : SamplingSettings
    scale : float
    reference : PowerLaw
        For a picture whose low-resolution image is too small or too flat to tell its spectrum.
    candidates : sequence of float
    seeds : sequence of int
    store : Path, optional
        Keeps what is measured.

    Returns
    -------
    DataFrame
        Rows of a sweep with their ``c`` and the picture's power at the cut-off, ``cutoff_psd``.
    """
    import pandas as pd

    pair, schedule = as_scale(scale), restorer.schedule
    lr = degrade(picture.hr, pair)
    cutoff = float(image_spectrum(lr, pair, reference)(1 / (2 * pair.y)))
    ends = schedule.snr(schedule.t_max), schedule.snr(schedule.t_min)
    t_of = {c: float(schedule.t_of_snr(float(np.clip(c / cutoff, *ends)))) for c in candidates}
    tasks = [SweepTask(picture, pair, lr, "bicubic", np.nan, 0, np.nan)]
    tasks += [
        SweepTask(picture, pair, lr, DIFFSR, t, seed, np.nan)
        for t in sorted(set(t_of.values()))
        for seed in seeds
    ]
    kept = open_store(store, restorer, settings, list(METRICS))
    rows: Rows = []
    for measured in measure_tasks(restorer, tasks, list(METRICS), settings, kept):
        rows += measured.rows
    frame = pd.DataFrame(rows).assign(cutoff_psd=cutoff)
    ours = frame[frame["method"] == DIFFSR]
    parts = [ours[ours["t"] == t].assign(c=c) for c, t in t_of.items()]
    return pd.concat([frame[frame["method"] != DIFFSR].assign(c=np.nan), *parts], ignore_index=True)


def mean_curves(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over images of each metric's difference to bicubic, signed so that more is better.

    Returns
    -------
    DataFrame
        Index ``c``, one column a metric.
    """
    bicubic = frame[frame.method == "bicubic"].set_index(["image", "metric"]).value
    ours = frame[frame.method == DIFFSR].copy()
    base = bicubic.loc[list(zip(ours.image, ours.metric, strict=True))].to_numpy()
    sign = ours.metric.map(lambda name: 1.0 if METRICS[name].higher_is_better else -1.0)
    ours["gain"] = sign * (ours.value - base)
    return ours.pivot_table(index="c", columns="metric", values="gain", aggfunc="mean")


def optimum(curve: pd.Series) -> dict[str, Any]:
    """Best ``c`` of a mean curve: the parabola in log ``c`` through the best point and its neighbours."""
    x, y = np.log(curve.index.to_numpy()), curve.to_numpy()
    best = int(np.argmax(y))
    at_edge = best in (0, len(y) - 1)
    if at_edge:
        return {"c": float(np.exp(x[best])), "gain": float(y[best]), "at_edge": True}
    a, b, _ = np.polyfit(x[best - 1 : best + 2], y[best - 1 : best + 2], 2)
    return {"c": float(np.exp(-b / (2 * a))), "gain": float(y[best]), "at_edge": False}


def realism_tolerance(c: float) -> float:
    """Realism deficit that the measured optimum of a single restoration lives with, to the next tenth.

    The field's lower end rests on this tolerance; a smaller one would put the measured optimum outside.
    """
    return min(float(np.ceil(10 * missing_deficit(c)) / 10), _LARGEST_TOLERANCE)


def by_candidate(table: pd.DataFrame) -> dict[str, Any]:
    """The mean curves as plain numbers for the card."""
    return {f"{c:g}": row.round(5).to_dict() for c, row in table.iterrows()}
