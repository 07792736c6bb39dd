"""From cases to statements with intervals: bootstrap over photographs, and differences between ways of choosing.

The sampler's noise is keyed by seed and image, so photographs are independent draws of it: resampling them resamples
their seeds with them, and the intervals hold both kinds of chance. They do not hold that of the calibration, and what
was chosen with hindsight keeps its choice in every resample.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from diffsr_toolkit.columns import SCALE
from diffsr_toolkit.stats import mean_interval


def rank_correlation(cases: pd.DataFrame) -> float:
    """Mean over scales of Spearman's correlation, across photographs, of predicted and best timestep.

    nan where a way of choosing gives every photograph the same timestep.
    """
    found = []
    for _, group in cases.groupby(SCALE):
        # Equal timesteps may differ in their last digits, which would rank them by the machine's rounding.
        ranks = group[["t_pred", "t_best"]].dropna().round(6).rank()
        if len(ranks) > 2 and ranks["t_pred"].nunique() > 1 and ranks["t_best"].nunique() > 1:
            found.append(ranks["t_pred"].corr(ranks["t_best"]))
    return float(np.mean(found)) if found else float("nan")


def summarise(cases: pd.DataFrame, per_scale: bool = False) -> pd.DataFrame:
    """One row an arm, metric and way of choosing (and scale): means with 95 % intervals over photographs.

    Parameters
    ----------
    cases : DataFrame
        Rows of all cases, with the column ``arm``.
    per_scale : bool
        Separate rows for the scales.

    Returns
    -------
    DataFrame
        ``abs_dt`` in steps of the arm's own 1000-step schedule, ``regret_percent`` on the mean curve over seeds and
        ``regret_one_seed`` on each seed's own, each with ``_low`` and ``_high``; ``near``, the share of cases
        within 1 % of the best; ``beats_bicubic``; ``rank_correlation``;
        ``n_images``, ``n_cases``, ``n_edge`` (cases whose best timestep is the first or last measured).
    """
    keys = ["arm", "metric", "method", *(SCALE if per_scale else [])]
    rows = []
    for key, group in cases.groupby(keys, sort=False):
        by_image = group.groupby("image")
        row = dict(zip(keys, key, strict=True))
        row |= {"n_images": group["image"].nunique(), "n_cases": len(group)}
        for column in ("abs_dt", "regret_percent", "regret_one_seed"):
            mean, low, high = mean_interval(by_image[column].mean())
            row |= {column: mean, f"{column}_low": low, f"{column}_high": high}
        row |= {"near": group["near"].mean(), "beats_bicubic": group["beats_bicubic"].mean()}
        row["rank_correlation"] = rank_correlation(group)
        rows.append({**row, "n_edge": int(group["at_edge"].sum())})
    table = pd.DataFrame(rows)
    # A level without an answer, such as a metric that was not measured, has no row.
    return table[table["regret_one_seed"].notna()].reset_index(drop=True)


def differences(cases: pd.DataFrame, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """Paired differences of regret between two ways of choosing, with 95 % intervals over photographs.

    Parameters
    ----------
    cases : DataFrame
    pairs : list of (str, str)
        Ways of choosing; the difference is the first's regret less the second's, so negative favours the first.

    Returns
    -------
    DataFrame
        arm, metric, first, second, ``difference`` in per cent of the metric with ``_low`` and ``_high``, and
        ``ratio``, the second's mean regret over the first's; nan where the first has none.
    """
    rows = []
    for (arm, metric), group in cases.groupby(["arm", "metric"], sort=False):
        means = group.pivot_table(index="image", columns="method", values="regret_percent")
        for first, second in pairs:
            if first not in means or second not in means:
                continue
            mean, low, high = mean_interval(means[first] - means[second])
            ours, theirs = float(means[first].mean()), float(means[second].mean())
            rows.append(
                {
                    "arm": arm, "metric": metric, "first": first, "second": second, "difference": mean,
                    "difference_low": low, "difference_high": high,
                    "ratio": theirs / ours if ours > 0 else float("nan"),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)
