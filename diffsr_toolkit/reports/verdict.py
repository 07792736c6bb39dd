"""What a sweep's data say in words, scale by scale, losses and misses included."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from diffsr_toolkit.columns import SCALE
from diffsr_toolkit.reports.tables import digits_of, number, timestep
from diffsr_toolkit.stats import SHORT, higher_is_better, optima, scale_label, wins

MISS_PERCENT = 5.0
MISS_OCTAVES = 1.0
# Timesteps a whole octave apart are so only to rounding.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Verdict:
    """One scale's outcome in words; ``good`` when Diff-SR beats bicubic everywhere and the prediction holds."""

    subject: str
    text: str
    good: bool


def verdicts(frame: pd.DataFrame, metric: str = "feature_distance") -> list[Verdict]:
    """What the data say about each scale: against bicubic, and about the prediction.

    Parameters
    ----------
    frame : pandas.DataFrame
        What ``DiffSR.sweep`` returns.
    metric : str
        The metric judged; the first one measured where the sweep lacks it. The prediction misses where its
        regret exceeds 5 % or its noise level is more than a factor of two from the best one.
    """
    table = optima(frame)
    metric = metric if metric in set(table["metric"]) else str(table["metric"].iloc[0])
    return [
        _verdict(group, metric, scale_label(scale_y, scale_x))
        for (scale_y, scale_x), group in table.groupby(SCALE)
    ]


def _verdict(cases: pd.DataFrame, metric: str, scale: str) -> Verdict:
    judged = cases[cases["metric"] == metric]
    if judged.empty:
        return Verdict(f"Scale {scale}", f"{SHORT.get(metric, metric)} was not measured here.", False)
    name, digits, count = SHORT.get(metric, metric), digits_of(metric), len(judged)
    won, won_best = (wins(judged, metric, which) for which in ("pred", "best"))
    at_pred, bicubic = judged["value_pred"].mean(), judged["value_bicubic"].mean()
    means = f"mean {number(at_pred, digits)} against {number(bicubic, digits)}"
    if won == count:
        against = f"By {name}, Diff-SR at the predicted t beats bicubic on {_images(won, count)} ({means})."
    elif won:
        against = (
            f"By {name}, Diff-SR at the predicted t beats bicubic on only {_images(won, count)} ({means})."
        )
    else:
        against = (
            f"By {name}, Diff-SR at the predicted t loses to bicubic on {_images(count, count)} ({means})."
        )
    if won_best < count:
        against += f" On {_images(count - won_best, count)} no timestep that was tried beats bicubic."
    sign = 1 if higher_is_better(metric) else -1
    ahead = int((sign * (judged["value_back_projection"] - judged["value_pred"]) > 0).sum())
    if ahead:
        against += f" Back-projected bicubic, which needs no network, beats it on {_images(ahead, count)}."
    unknown = judged["regret"].isna()
    missed = (judged["regret_percent"] > MISS_PERCENT) | (judged["octaves"].abs() > MISS_OCTAVES + _ROUNDING)
    cost = (
        f"mean |Δt| = {timestep(judged['abs_dt'].mean())}, mean regret {number(judged['regret'].mean(), digits + 1)}"
        f" or {number(judged['regret_percent'].mean(), 1)} %"
    )
    if unknown.any():
        prediction = (
            f" The predicted t lies outside the timesteps measured on {_images(int(unknown.sum()), count)}, "
            "so what it costs there is not known."
        )
    elif missed.any():
        prediction = (
            f" The prediction misses on {_images(int(missed.sum()), count)}, by more than {MISS_PERCENT:g} % "
            f"or a factor of two in noise level ({cost})."
        )
    else:
        prediction = f" The prediction holds ({cost})."
    edge = int(judged["at_edge"].sum())
    if edge:
        prediction += f" On {_images(edge, count)} the best t is the first or last one measured."
    losing = [
        SHORT.get(str(other), str(other))
        for other, group in cases[cases["metric"] != metric].groupby("metric", sort=False)
        if wins(group, str(other), "pred") < len(group)
    ]
    also = f" It does not beat bicubic on every image by {_either(losing)}." if losing else ""
    good = won == count and not missed.any() and not unknown.any()
    return Verdict(f"Scale {scale}", against + prediction + also, good)


def _either(names: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _images(count: int, total: int) -> str:
    return "the one image" if total == 1 else f"{count} of {total} images"
