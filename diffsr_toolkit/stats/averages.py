"""What the prediction costs on average over the images of a sweep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diffsr_toolkit.columns import SCALE
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.stats.bootstrap import Interval, mean_interval
from diffsr_toolkit.stats.optimum import optima, wins


def summary(frame: pd.DataFrame, *, per_scale: bool = True, seed: int = 0) -> pd.DataFrame:
    """What the prediction costs on average, with 95 % intervals over images.

    Parameters
    ----------
    frame : pandas.DataFrame
        What ``DiffSR.sweep`` returns.
    per_scale : bool
        One row a metric and scale, or a metric alone.
    seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        metric, the scale, ``n_images``, ``n_seeds``, ``n_cases`` (images times scales); the means over images
        ``abs_dt``, ``regret`` and ``regret_percent``, each with ``_low`` and ``_high``, the percentile bootstrap over
        images (nan for a single image); ``wins_pred`` and ``wins_best``, the cases in which Diff-SR at the predicted
        and at the best timestep beats bicubic; ``n_edge``, the cases whose optimum is at the end of the timesteps
        measured.
    """
    table = optima(frame)
    rows = []
    order = {metric: rank for rank, metric in enumerate(METRICS)}
    table = table.assign(rank=table["metric"].map(order)).sort_values(["rank", *SCALE], kind="stable")
    by = ["metric", *SCALE] if per_scale else ["metric"]
    for key, group in table.groupby(by, sort=False):
        rng = np.random.default_rng(seed)
        row: dict[str, Any] = {
            **dict(zip(by, key, strict=True)),
            "n_images": group["image"].nunique(),
            "n_seeds": group["n_seeds"].min(),
            "n_cases": len(group),
        }
        for column in ("abs_dt", "regret", "regret_percent"):
            mean, low, high = _over_images(group.groupby("image")[column].mean().dropna().to_numpy(), rng)
            row |= {column: mean, f"{column}_low": low, f"{column}_high": high}
        row |= {f"wins_{which}": wins(group, str(key[0]), which) for which in ("pred", "best")}
        rows.append({**row, "n_edge": int(group["at_edge"].sum())})
    return pd.DataFrame(rows)


def _over_images(values: NDArray[np.float64], rng: np.random.Generator) -> Interval:
    """No interval for a single image, nor where one of them has no finite value."""
    if len(values) > 1 and np.isfinite(values).all():
        return mean_interval(values, rng)
    return Interval(float(values.mean()) if len(values) else math.nan, math.nan, math.nan)
