"""Where each metric is best over the timesteps of a sweep, and what the prediction costs beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.metrics import METRICS

SCALE = ["scale_y", "scale_x"]
CASE = ["image", *SCALE]
SHORT = {
    "psnr_rgb": "PSNR (RGB)",
    "psnr_y": "PSNR (Y)",
    "ssim": "SSIM",
    "lr_psnr": "LR-PSNR",
    "feature_distance": "feature distance",
}
BICUBIC, PREDICTED, BEST = "bicubic", "Diff-SR, predicted t", "Diff-SR, best t"
INTERPOLATED = "Diff-SR, t interpolated"
BASELINES = {"bicubic": BICUBIC, "back_projection": "bicubic, back-projected"}
_NEEDED = {*CASE, "method", "t", "snr", "seed", "nfe", "seconds", "t_pred", "metric", "value"}
_RESAMPLES = 2000


def scale_label(scale_y: float, scale_x: float) -> str:
    """``"2.7"``, or ``"2 x 3"`` where the axes differ."""
    return f"{scale_y:g}" if scale_y == scale_x else f"{scale_y:g} x {scale_x:g}"


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


def check_frame(frame: pd.DataFrame) -> None:
    """Refuse a table that is no sweep, or a sweep without one restoration.

    Raises
    ------
    ToolkitError
        Naming what is missing.
    """
    missing = sorted(_NEEDED - set(frame.columns))
    if missing:
        raise ToolkitError(f"column {missing[0]!r} is missing: give the table that DiffSR.sweep returns")
    if not (frame["method"] == "diffsr").any():
        raise ToolkitError("0 rows have method 'diffsr': let the sweep finish at least one restoration")


def curve(frame: pd.DataFrame, image: str, scale: tuple[float, float], metric: str) -> pd.DataFrame:
    """Diff-SR's rows of one image, scale and metric that hold a number, by ascending ``t`` and seed."""
    rows = frame[
        (frame["image"] == image)
        & (frame["scale_y"] == scale[0])
        & (frame["scale_x"] == scale[1])
        & (frame["metric"] == metric)
        & (frame["method"] == "diffsr")
    ]
    return rows.dropna(subset=["value"]).sort_values(["t", "seed"])


def baseline_value(
    frame: pd.DataFrame, image: str, scale: tuple[float, float], metric: str, method: str = "bicubic"
) -> float:
    """The value of a key of ``BASELINES``, nan when it was not measured."""
    values = frame["value"][
        (frame["image"] == image)
        & (frame["scale_y"] == scale[0])
        & (frame["scale_x"] == scale[1])
        & (frame["metric"] == metric)
        & (frame["method"] == method)
    ]
    return float(values.iloc[0]) if len(values) else math.nan


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
    keys = frame.loc[frame["method"] == "diffsr", [*CASE, "metric"]].drop_duplicates()
    # A store's files come in no order of their own.
    images, metrics = list(frame["image"].unique()), list(METRICS)
    for name in keys["metric"].unique():
        higher_is_better(name)
    ordered = sorted(
        keys.itertuples(index=False, name=None),
        key=lambda key: (images.index(key[0]), *key[1:3], metrics.index(key[3])),
    )
    for image, scale_y, scale_x, metric in ordered:
        found = curve(frame, image, (scale_y, scale_x), metric)
        if len(found):
            case = {"image": image, "scale_y": scale_y, "scale_x": scale_x, "metric": metric}
            plain = {
                f"value_{method}": baseline_value(frame, image, (scale_y, scale_x), metric, method)
                for method in BASELINES
            }
            rows.append({**case, **_optimum(found, metric, log_snr), **plain})
    return pd.DataFrame(rows)


def _log_snr(frame: pd.DataFrame) -> Any:
    from scipy.interpolate import PchipInterpolator

    points = frame.loc[frame["method"] == "diffsr", ["t", "snr"]].drop_duplicates("t").sort_values("t")
    points = points[points["snr"] > 0]
    if len(points) < 2:
        return lambda t: np.full_like(np.asarray(t, dtype=float), math.nan)
    return PchipInterpolator(points["t"], np.log(points["snr"]), extrapolate=False)


def _optimum(found: pd.DataFrame, metric: str, log_snr: Any) -> dict[str, Any]:
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


def _value_at(wanted: float, t: NDArray[np.float64], values: NDArray[np.float64], log_snr: Any) -> float:
    exact = np.flatnonzero(t == wanted)
    if len(exact):
        return float(values[exact[0]])
    inside = len(t) > 1 and t[0] < wanted < t[-1]
    position = log_snr(t) if inside else np.array([math.nan])
    if not (np.isfinite(position).all() and np.isfinite(values).all()):
        return math.nan
    from scipy.interpolate import PchipInterpolator

    # Log-SNR falls with t; rounding may carry the interpolant past its own neighbours.
    value = float(PchipInterpolator(-position, values)(-float(log_snr(wanted))))
    return min(max(value, float(values.min())), float(values.max()))


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
    for key, group in table.groupby(["metric", *SCALE] if per_scale else ["metric"], sort=False):
        sign = 1.0 if higher_is_better(str(key[0])) else -1.0
        rng = np.random.default_rng(seed)
        row: dict[str, Any] = {"metric": key[0]}
        if per_scale:
            row |= {"scale_y": key[1], "scale_x": key[2]}
        row |= {
            "n_images": group["image"].nunique(),
            "n_seeds": group["n_seeds"].min(),
            "n_cases": len(group),
        }
        for column in ("abs_dt", "regret", "regret_percent"):
            row |= _mean_interval(column, group.groupby("image")[column].mean().dropna().to_numpy(), rng)
        for which in ("pred", "best"):
            row[f"wins_{which}"] = int((sign * (group[f"value_{which}"] - group["value_bicubic"]) > 0).sum())
        rows.append({**row, "n_edge": int(group["at_edge"].sum())})
    return pd.DataFrame(rows)


def _mean_interval(name: str, values: NDArray[np.float64], rng: np.random.Generator) -> dict[str, float]:
    mean = float(values.mean()) if len(values) else math.nan
    if len(values) < 2 or not np.isfinite(values).all():
        return {name: mean, f"{name}_low": math.nan, f"{name}_high": math.nan}
    means = values[rng.integers(len(values), size=(_RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return {name: mean, f"{name}_low": float(low), f"{name}_high": float(high)}


def comparison_table(frame: pd.DataFrame, best_by: str = "feature_distance") -> pd.DataFrame:
    """The baselines, Diff-SR at the predicted and at the best timestep, side by side.

    Parameters
    ----------
    frame : pandas.DataFrame
        What ``DiffSR.sweep`` returns.
    best_by : str
        The metric that picks the best timestep; the first one measured where the sweep lacks it.

    Returns
    -------
    pandas.DataFrame
        One row an image, scale and method: image, scale, method, t, the metrics under their short names, NFE, seconds
        (means over seeds). Values at a predicted timestep that was not measured are interpolated, and named so.
    """
    table = optima(frame)
    metrics = [name for name in METRICS if name in set(table["metric"])]
    best_by = best_by if best_by in metrics else metrics[0]
    rows = []
    for (image, scale_y, scale_x), group in table.groupby(CASE, sort=False):
        by_metric = group.set_index("metric")
        chosen = by_metric.loc[best_by] if best_by in by_metric.index else by_metric.iloc[0]
        diffsr = frame[
            (frame["image"] == image) & (frame["scale_y"] == scale_y) & (frame["scale_x"] == scale_x)
        ]
        plain = {name: diffsr[diffsr["method"] == method] for method, name in BASELINES.items()}
        diffsr = diffsr[diffsr["method"] == "diffsr"]
        pred_name = PREDICTED if chosen["measured"] else INTERPOLATED
        for method, rowset, t in (
            *((name, rowset, math.nan) for name, rowset in plain.items() if len(rowset)),
            (pred_name, diffsr[diffsr["t"] == chosen["t_pred"]], chosen["t_pred"]),
            (BEST, diffsr[diffsr["t"] == chosen["t_best"]], chosen["t_best"]),
        ):
            values = rowset.groupby("metric")["value"].mean()
            if method == INTERPOLATED:
                values = by_metric["value_pred"]
            rows.append(
                {
                    "image": image,
                    "scale": scale_label(scale_y, scale_x),
                    "method": method,
                    "t": t,
                    **{SHORT.get(name, name): values.get(name, math.nan) for name in metrics},
                    "NFE": rowset["nfe"].mean(),
                    "seconds": rowset["seconds"].mean(),
                }
            )
    return pd.DataFrame(rows)
