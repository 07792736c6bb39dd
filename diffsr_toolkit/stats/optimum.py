"""Where each metric is best over the timesteps of a sweep, and what the prediction costs beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diffsr_toolkit.columns import CASE
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.stats.labels import BASELINE_LABELS, scale_label
from diffsr_toolkit.stats.sweep_table import baseline_value, check_frame, curve, restorations

LogSNR = Callable[[Any], NDArray[np.float64]]
"""Log-SNR of timesteps, nan outside those of a sweep."""


def higher_is_better(metric: str) -> bool:
    """Direction of a metric.

    Raises
    ------
    ToolkitError
        When the metric is unknown.
    """
    if metric not in METRICS:
        raise ToolkitError(f"metric {metric!r} is unknown; choose among {', '.join(METRICS)}")
    return METRICS[metric].higher_is_better


def optima(frame: pd.DataFrame) -> pd.DataFrame:
    """Predicted beside measured optimum, one row an image, scale and metric.

    Parameters
    ----------
    frame : pandas.DataFrame
        What ``DiffSR.sweep`` returns. A value at a timestep is the mean over its seeds.

    Returns
    -------
    pandas.DataFrame
        By image as given, scale and metric: image, scale_y, scale_x, metric; ``t_best`` and ``value_best`` over
        the timesteps measured (of equal values the smallest t); ``t_pred`` and ``value_pred``, measured, or
        interpolated in log-SNR by a monotone cubic, or nan outside the timesteps measured; ``value_bicubic``
        and ``value_back_projection``; ``regret``, what the prediction loses against ``value_best``, at least 0,
        in the metric's unit, and ``regret_percent`` of ``|value_best|``; ``abs_dt`` = ``|t_pred - t_best|``;
        ``octaves`` = log2 of the predicted over the best noise level; ``nfe`` and mean ``seconds`` of one
        restoration at ``t_best``; ``n_seeds`` (the fewest at any timestep); ``at_edge``, whether ``t_best`` is
        the first or last timestep measured, so that the true optimum may lie outside; ``measured``, whether
        ``value_pred`` was measured.

    Raises
    ------
    ToolkitError
        When the table is no sweep, a metric is unknown, or an image has two predictions at one scale.
    """
    check_frame(frame)
    log_snr = _log_snr(frame)
    rows = []
    keys = restorations(frame)[[*CASE, "metric"]].drop_duplicates()
    for name in keys["metric"].unique():
        higher_is_better(name)
    # A store's files come in no order of their own.
    images, metrics = list(frame["image"].unique()), list(METRICS)
    ordered = sorted(
        keys.itertuples(index=False, name=None),
        key=lambda key: (images.index(key[0]), *key[1:3], metrics.index(key[3])),
    )
    for image, scale_y, scale_x, metric in ordered:
        scale = scale_y, scale_x
        found = curve(frame, image, scale, metric)
        if len(found):
            case = dict(zip([*CASE, "metric"], (image, *scale, metric), strict=True))
            plain = {
                f"value_{method}": baseline_value(frame, image, scale, metric, method)
                for method in BASELINE_LABELS
            }
            rows.append({**case, **_optimum(found, metric, log_snr), **plain})
    return pd.DataFrame(rows)


def wins(cases: pd.DataFrame, metric: str, which: str) -> int:
    """How many cases of `optima` beat bicubic by one metric, ``which`` ("pred" or "best") timestep taken."""
    sign = 1 if higher_is_better(metric) else -1
    return int((sign * (cases[f"value_{which}"] - cases["value_bicubic"]) > 0).sum())


def _log_snr(frame: pd.DataFrame) -> LogSNR:
    from scipy.interpolate import PchipInterpolator

    points = restorations(frame)[["t", "snr"]].drop_duplicates("t").sort_values("t")
    points = points[points["snr"] > 0]
    if len(points) < 2:
        return lambda t: np.full_like(np.asarray(t, dtype=float), math.nan)
    return PchipInterpolator(points["t"], np.log(points["snr"]), extrapolate=False)


def _optimum(found: pd.DataFrame, metric: str, log_snr: LogSNR) -> dict[str, Any]:
    predictions = found["t_pred"].unique()
    if len(predictions) > 1:
        first = found.iloc[0]
        raise ToolkitError(
            f"image {first['image']!r} has {len(predictions)} predicted timesteps at scale "
            f"{scale_label(first['scale_y'], first['scale_x'])}: a store holds one prediction, sweep into a new one"
        )
    t_pred = float(predictions[0])
    by_t = found.groupby("t")
    means = by_t["value"].mean()
    t, values = means.index.to_numpy(), means.to_numpy()
    sign = 1.0 if higher_is_better(metric) else -1.0
    best = int(np.argmax(sign * values))
    value_pred = _value_at(t_pred, t, values, log_snr)
    value_best = float(values[best])
    regret = 0.0 if value_pred == value_best else max(0.0, sign * (value_best - value_pred))
    if math.isnan(value_pred):
        regret = math.nan
    relative = regret / abs(value_best) if value_best else math.nan
    at_best = found[found["t"] == t[best]]
    return {
        "t_best": float(t[best]),
        "value_best": value_best,
        "t_pred": t_pred,
        "value_pred": value_pred,
        "regret": regret,
        "regret_percent": 100 * relative if regret else 0.0,
        "abs_dt": abs(t_pred - float(t[best])),
        "octaves": 0.0 if t_pred == t[best] else float(log_snr(t[best]) - log_snr(t_pred)) / math.log(4),
        "nfe": int(at_best["nfe"].iloc[0]),
        "seconds": float(at_best["seconds"].mean()),
        "n_seeds": int(by_t["seed"].nunique().min()),
        "at_edge": best in (0, len(t) - 1),
        "measured": bool((t == t_pred).any()),
    }


def _value_at(wanted: float, t: NDArray[np.float64], values: NDArray[np.float64], log_snr: LogSNR) -> float:
    exact = np.flatnonzero(t == wanted)
    if len(exact):
        return float(values[exact[0]])
    inside = len(t) > 1 and t[0] < wanted < t[-1]
    position = log_snr(t) if inside else np.array([math.nan])
    if not (np.isfinite(position).all() and np.isfinite(values).all()):
        return math.nan
    from scipy.interpolate import PchipInterpolator

    # Log-SNR falls with t. Between values that differ by next to nothing a slope's inverse overflows, rightly to none.
    with np.errstate(over="ignore"):
        value = float(PchipInterpolator(-position, values)(-float(log_snr(wanted))))
    # Rounding may carry the interpolant past its own neighbours.
    return min(max(value, float(values.min())), float(values.max()))
