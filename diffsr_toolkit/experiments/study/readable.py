"""The study's tables for a reader: titles, and text with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diffsr_toolkit.experiments.study.arms import ARMS
from diffsr_toolkit.experiments.study.tables import by_scale, checked, own_method, select
from diffsr_toolkit.stats import scale_label


def arm_title(arm: str) -> str:
    """An arm for people."""
    return ARMS[arm].title.replace("_", " ") if arm in ARMS else arm


def method_title(method: str) -> str:
    """A way of choosing for people: ``"model_aware, pooled"`` is "model-aware, pooled"."""
    return method.replace("closed_form", "closed form").replace("model_aware", "model-aware")


def headline(summary: pd.DataFrame, metric: str = "feature_distance", arm: str = "single") -> pd.DataFrame:
    """Every way of choosing under one arm and metric, readable; intervals are 95 % over photographs.

    Parameters
    ----------
    summary : DataFrame
        The study's summary table.
    metric, arm : str

    Returns
    -------
    DataFrame
        Of text: method, ``mean |dt|``, ``mean regret %`` on the mean over seeds, the same ``at one seed %``,
        ``within 1 %``, ``beats bicubic``, ``rank correlation``.
    """
    rows = select(checked(summary, "summary"), arm=arm, metric=metric)
    table = _readable(rows)
    table.insert(0, "method", [method_title(method) for method in rows["method"]])
    return table.reset_index(drop=True)


def across_arms(
    summary: pd.DataFrame, metric: str = "feature_distance", method: str = "model_aware, pooled"
) -> pd.DataFrame:
    """One way of choosing under every arm, as in `headline`, with the number of photographs."""
    rows = select(checked(summary, "summary"), metric=metric, method=method)
    table = _readable(rows)
    table.insert(0, "arm", [arm_title(arm) for arm in rows["arm"]])
    table.insert(1, "photographs", rows["n_images"])
    return table.reset_index(drop=True)


def paired(differences: pd.DataFrame, metric: str = "feature_distance", arm: str = "single") -> pd.DataFrame:
    """What one way of choosing gains over another on the same photographs, readable.

    Returns
    -------
    DataFrame
        Of text: first, second, ``regret, first less second [%]`` with its 95 % interval, ``second / first``, and
        which of the two is better where the interval leaves 0 out.
    """
    rows = select(checked(differences, "differences"), arm=arm, metric=metric)
    return pd.DataFrame(
        {
            "first": [method_title(method) for method in rows["first"]],
            "second": [method_title(method) for method in rows["second"]],
            "regret, first less second [%]": _with_interval(rows, "difference", "+.2f"),
            "second / first": [_number(ratio, ".2f") for ratio in rows["ratio"]],
            "better": [
                decided(low, high)
                for low, high in zip(rows["difference_low"], rows["difference_high"], strict=True)
            ],
        }
    )


def decided(low: float, high: float) -> str:
    """Whom an interval of first less second, of something that should be small, favours."""
    return "first" if high < 0 else "second" if low > 0 else "undecided"


def by_scale_table(
    cases: pd.DataFrame, metric: str = "feature_distance", arm: str = "single", method: str | None = None
) -> pd.DataFrame:
    """Best and predicted timestep and regret of every scale, readable.

    Returns
    -------
    DataFrame
        Of text: scale, ``best t`` and ``predicted t`` (median and range over photographs), ``mean regret %``, and
        the scale's share of all regret.
    """
    rows = select(checked(cases, "cases"), arm=arm, metric=metric)
    method = own_method(rows, metric, arm) if method is None else method
    rows = select(rows, method=method).dropna(subset=["t_pred"])
    total = max(float(rows["regret_percent"].sum()), 1e-12)
    return pd.DataFrame(
        [
            {
                "scale": scale_label(*pair),
                "best t": _range(group["t_best"]),
                "predicted t": _range(group["t_pred"]),
                "mean regret %": f"{group['regret_percent'].mean():.2f}",
                "share of all regret": f"{group['regret_percent'].sum() / total:.0%}",
            }
            for pair, group in by_scale(rows)
        ]
    )


def _readable(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "mean |dt|": _with_interval(rows, "abs_dt", ".1f"),
            "mean regret %": _with_interval(rows, "regret_percent", ".2f"),
            "at one seed %": _with_interval(rows, "regret_one_seed", ".2f"),
            "within 1 %": [_number(share, ".0%") for share in rows["near"]],
            "beats bicubic": [_number(share, ".0%") for share in rows["beats_bicubic"]],
            "rank correlation": [_number(r, ".2f") for r in rows["rank_correlation"]],
        },
        index=rows.index,
    )


def _with_interval(rows: pd.DataFrame, column: str, form: str) -> list[str]:
    values = rows[[column, f"{column}_low", f"{column}_high"]].itertuples(index=False, name=None)
    return [
        f"{mean:{form}} [{low:{form}}, {high:{form}}]" if np.isfinite(mean) else "–"
        for mean, low, high in values
    ]


def _number(value: float, form: str) -> str:
    return f"{value:{form}}" if np.isfinite(value) else "–"


def _range(values: pd.Series) -> str:
    return f"{values.median():.1f} ({values.min():.1f} to {values.max():.1f})"
