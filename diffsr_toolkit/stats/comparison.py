"""The methods of a sweep side by side."""

from __future__ import annotations

import math

import pandas as pd

from diffsr_toolkit.columns import CASE
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.stats.labels import BASELINE_LABELS, BEST, INTERPOLATED, PREDICTED, SHORT, scale_label
from diffsr_toolkit.stats.optimum import optima
from diffsr_toolkit.stats.sweep_table import restorations


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
        here = frame[
            (frame["image"] == image) & (frame["scale_y"] == scale_y) & (frame["scale_x"] == scale_x)
        ]
        plain = {name: here[here["method"] == method] for method, name in BASELINE_LABELS.items()}
        diffsr = restorations(here)
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
