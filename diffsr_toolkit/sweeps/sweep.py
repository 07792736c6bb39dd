"""Measure metrics over images, scales, timesteps and seeds, to find the empirically best injection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from diffsr_toolkit.columns import DIFFSR
from diffsr_toolkit.datasets import named_images
from diffsr_toolkit.errors import TimestepError
from diffsr_toolkit.images import effective_scale
from diffsr_toolkit.metrics import METRICS, evaluate, protocol
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.restoration import BASELINES, Restorer
from diffsr_toolkit.sampling import State, step_sigmas
from diffsr_toolkit.settings import SamplingSettings
from diffsr_toolkit.sweeps.store import Rows, Store
from diffsr_toolkit.sweeps.tasks import SweepTask, plan
from theory.scale import Scale, as_scale
from theory.schedules import NoiseSchedule

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Measured:
    """A finished task.

    Attributes
    ----------
    task : SweepTask
    rows : list of dict
        One a metric.
    restored : Tensor or None
        ``(C, H, W)`` on the CPU, not clipped; None where it came from a store that keeps no images.
    """

    task: SweepTask
    rows: Rows
    restored: Tensor | None


def run_sweep(
    restorer: Restorer,
    predictor: Predictor,
    images: Any,
    *,
    scales: Sequence[Scale],
    timesteps: str | Sequence[float] = "auto",
    metrics: Sequence[str] | None = None,
    seeds: Sequence[int] = (0,),
    store: str | Path | None = None,
    settings: SamplingSettings,
    keep_images: bool = False,
    on_measured: Callable[[Measured], None] | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Degrade whole images, restore them at every timestep, and measure.

    Parameters
    ----------
    restorer : Restorer
    predictor : Predictor
    images : path, image, sequence or mapping of names to images
        High-resolution images; each is degraded by the toolkit's own kernel.
    scales : sequence of float or (sy, sx)
        Each at least 1.
    timesteps : "auto" or sequence of float
        Injection timesteps; "auto" spreads them around each image's prediction.
    metrics : sequence of str, optional
        Names in ``metrics.METRICS``; all by default.
    seeds : sequence of int
        One restoration each.
    store : path-like, optional
        Folder that keeps every finished task; a repeated call does only what is missing.
    settings : SamplingSettings
    keep_images : bool
        Whether the store keeps the restored images too.
    on_measured : callable, optional
        Told of each finished task in turn, its image with it.
    progress : bool

    Returns
    -------
    pandas.DataFrame
        One row a metric: image, method ("diffsr" or one of ``BASELINES``), scale_y, scale_x, t, snr, seed, the
        settings, nfe, seconds, t_pred, metric, value, and the protocol (channel, value_range, shave, kernel).

    Raises
    ------
    ToolkitError
        Bad images, scales, timesteps or metrics, before anything is computed or written.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    chosen = list(METRICS) if metrics is None else list(metrics)
    pictures = named_images(images)
    factors = [as_scale(scale) for scale in scales]
    for metric in chosen:
        protocol(metric, (64, 64), 2.0)
    given = checked_timesteps(restorer.schedule, timesteps, settings)
    kept = open_store(store, restorer, settings, chosen, keep_images)
    tasks = plan(predictor, pictures, factors, given, seeds, settings)
    rows: Rows = []
    found = measure_tasks(restorer, tasks, chosen, settings, kept)
    for measured in tqdm(found, desc="sweep", total=len(tasks), disable=not progress):
        rows += measured.rows
        if on_measured is not None:
            on_measured(measured)
    return pd.DataFrame(rows)


def open_store(
    folder: str | Path | None,
    restorer: Restorer,
    settings: SamplingSettings,
    metrics: Sequence[str],
    keep_images: bool = False,
) -> Store:
    """The store of a sweep with these settings; kept in memory only when ``folder`` is None.

    Raises
    ------
    StoreError
        When the folder cannot be written, or was made with other settings.
    """
    shared = {
        "model": restorer.name,
        "weights": restorer.weights_digest,
        **settings.protocol(),
        "metrics": list(metrics),
    }
    return Store(folder, shared, keep_images=keep_images)


def checked_timesteps(
    schedule: NoiseSchedule, timesteps: str | Sequence[float], settings: SamplingSettings
) -> list[float] | None:
    """Rising timesteps of a sweep, each on the schedule; None for "auto".

    Raises
    ------
    TimestepError
        Naming the timestep that cannot be used.
    """
    if isinstance(timesteps, str):
        if timesteps != "auto":
            raise TimestepError(f"timesteps={timesteps!r}: give numbers or 'auto'")
        return None
    given = sorted({float(t) for t in timesteps})
    for t in given:
        step_sigmas(schedule, t, settings.steps, settings.spacing)
    return given


def measure_tasks(
    restorer: Restorer,
    tasks: Sequence[SweepTask],
    metrics: Sequence[str],
    settings: SamplingSettings,
    store: Store,
    callback: Callable[[State], None] | None = None,
) -> Iterator[Measured]:
    """Measure tasks one by one, each from the store where it is done already.

    Parameters
    ----------
    callback : callable, optional
        Called with every ``State`` of the model's reverse processes.
    """
    for task in tasks:
        rows, restored = store.load(task.key), None
        if rows is not None:
            restored = store.image(task.key)
        if rows is None or (restored is None and store.keep_images):
            rows, restored = _measure(restorer, task, metrics, settings, callback)
            store.save(task.key, rows, restored)
        # The prediction is not part of the measurement: a new calibration leaves a store valid.
        yield Measured(task, [{**row, "t_pred": task.t_pred} for row in rows], restored)


def _measure(
    restorer: Restorer,
    task: SweepTask,
    metrics: Sequence[str],
    settings: SamplingSettings,
    callback: Callable[[State], None] | None,
) -> tuple[Rows, Tensor]:
    start = time.perf_counter()
    if task.method == DIFFSR:
        restored, nfe = restorer.restore(
            task.lr, task.size, task.t, settings, seed=task.seed, callback=callback
        )
    else:
        restored, nfe = BASELINES[task.method](task.lr, task.size), 0
    seconds = time.perf_counter() - start
    true_scale = effective_scale((task.lr.shape[-2], task.lr.shape[-1]), task.size)
    common = {
        "image": task.picture.name,
        "method": task.method,
        "scale_y": task.scale.y,
        "scale_x": task.scale.x,
        "effective_scale_y": true_scale.y,
        "effective_scale_x": true_scale.x,
        "t": task.t,
        "snr": np.nan if np.isnan(task.t) else float(restorer.schedule.snr(task.t)),
        "seed": task.seed,
        **settings.protocol(),
        "nfe": nfe,
        "seconds": seconds,
        "t_pred": task.t_pred,
    }
    values = evaluate(restored, task.picture.hr, task.lr, task.scale, metrics=metrics)
    rows = [
        {**common, "metric": metric, "value": value, **protocol(metric, task.size, task.scale)}
        for metric, value in values.items()
    ]
    return rows, restored
