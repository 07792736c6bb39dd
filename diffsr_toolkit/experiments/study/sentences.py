"""What the study's tables say of its questions, in words; every number is read from them."""

from __future__ import annotations

import pandas as pd

from diffsr_toolkit.columns import CASE
from diffsr_toolkit.experiments.study.arms import LONGER_SIDE
from diffsr_toolkit.experiments.study.predictors import (
    FIXED,
    OTHER_SEED,
    PER_IMAGE,
    PER_SCALE,
    RIVALS,
    YARDSTICKS,
)
from diffsr_toolkit.experiments.study.readable import arm_title, decided, method_title
from diffsr_toolkit.experiments.study.tables import by_scale, checked, own_method, select
from diffsr_toolkit.stats import SHORT, scale_label

AIM_REGRET, AIM_STEPS, AIM_FACTOR = 2.0, 25.0, 2.0
"""What the project set out to reach by feature distance: mean regret in per cent, mean |dt| in steps of 1000, and
how many times the regret of each of `RIVALS` is to be."""

_KNOWS = (0.15, 0.4)
"""Rank correlations below which a prediction is said not to know, or hardly to know, which photograph is which."""


def procedure(cases: pd.DataFrame) -> str:
    """How it was measured, in three sentences."""
    cases = checked(cases, "cases")
    own = cases[cases["arm"] == cases["arm"].iloc[0]]
    scales = ", ".join(scale_label(*pair) for pair, _ in by_scale(own))
    names = list(dict.fromkeys(cases["arm"]))
    arms = "; ".join(arm_title(arm) for arm in names)
    fewer = cases.groupby("arm").apply(lambda rows: len(rows[CASE].drop_duplicates()))
    some = ", some of them on fewer photographs or scales" if fewer.nunique() > 1 else ""
    return (
        f"Every one of {_number(own['image'].nunique(), 'photograph')}, none of which any training or calibration saw, "
        f"is reduced as a whole until its longer side has {LONGER_SIDE} pixels, made smaller by the scales {scales}, "
        f"and restored from a grid of timesteps with {_seeds(cases)}. The best timestep is the vertex "
        f"of a parabola in log-SNR through the best grid point, of the mean over seeds, and its neighbours; a choice's "
        f"*regret* is what the metric loses at it, against the best point, in per cent, and intervals are 95 % "
        f"bootstrap intervals over photographs, whose seeds come with them. {_number(len(names), 'setting')} "
        f"{'was' if len(names) == 1 else 'were'} measured{some}: "
        f"{arms}."
    )


def verdict(summary: pd.DataFrame, metric: str = "feature_distance", arm: str = "single") -> str:
    """What the toolkit's own prediction reached, beside the aims and the rivals."""
    rows = select(checked(summary, "summary"), arm=arm, metric=metric)
    method = own_method(rows, metric, arm)
    row = rows[rows["method"] == method].iloc[0]
    text = (
        f"By {SHORT.get(metric, metric)}, **{method_title(method)}**, which is what the toolkit itself predicts with, "
        f"is {_interval(row, 'abs_dt', '.1f')} steps from the best timestep and loses "
        f"{_interval(row, 'regret_percent', '.2f')} % ({_number(int(row['n_images']), 'photograph')}, "
        f"{_number(int(row['n_cases']), 'case')})."
    )
    if metric == "feature_distance":
        text += (
            f" The aim of a mean regret of at most {AIM_REGRET:g} % is "
            f"{_met(row['regret_percent'], row['regret_percent_high'], AIM_REGRET)}; that of at most "
            f"{AIM_STEPS:g} steps is {_met(row['abs_dt'], row['abs_dt_high'], AIM_STEPS)}."
        )
    for rival in RIVALS:
        other = rows[rows["method"] == rival]
        if len(other) and row["regret_percent"] > 0:
            ratio = float(other["regret_percent"].iloc[0] / row["regret_percent"])
            aim = "reached" if ratio >= AIM_FACTOR else "missed"
            text += (
                f" The *{rival}*, picked with hindsight on these very cases, loses "
                f"{other['regret_percent'].iloc[0]:.2f} %, {ratio:.2g} times as much"
            )
            has_aim = metric == "feature_distance"
            text += f": the aim of a factor of {AIM_FACTOR:g} is {aim}." if has_aim else "."
    return text


def yardsticks(summary: pd.DataFrame, metric: str = "feature_distance", arm: str = "single") -> str:
    """How much of the regret could be avoided at all: what hindsight reaches, and another draw of the noise."""
    rows = select(checked(summary, "summary"), arm=arm, metric=metric)
    own = own_method(rows, metric, arm)
    table = rows.set_index("method")
    regret = table["regret_percent"]
    known = [name for name in (FIXED, PER_SCALE, PER_IMAGE) if name in regret]
    text = "Picked with hindsight on these very cases, " + ", ".join(
        f"the *{name}* loses {regret[name]:.2f} %" for name in known
    )
    text += f"; **{method_title(own)}**, without it, {regret[own]:.2f} %."
    if FIXED in regret and regret.get(PER_SCALE, 0) > 0:
        factor = regret[FIXED] / regret[PER_SCALE]
        text += (
            f" On the measured grid a choice by the scale alone is at most {factor:.3g} times better than one timestep "
            f"for all."
        )
    if OTHER_SEED in table.index:
        alone = table["regret_one_seed"]
        text += (
            f" Even the timestep that was best for a photograph and scale with one seed loses "
            f"{_interval(table.loc[OTHER_SEED], 'regret_one_seed', '.2f')} % with another, where "
            f"{method_title(own)} loses {_interval(table.loc[own], 'regret_one_seed', '.2f')} % and the best single "
            f"timestep {alone[FIXED]:.2f} % (each against the seed's own best)."
        )
    return text


def levels(differences: pd.DataFrame, metric: str = "feature_distance", arm: str = "single") -> str:
    """One line a question: does the image pay, does the level pay."""
    rows = select(checked(differences, "differences"), arm=arm, metric=metric)
    lines = []
    for _, row in rows[~rows["second"].isin((*RIVALS, *YARDSTICKS))].iterrows():
        first, second = method_title(row["first"]), method_title(row["second"])
        size = f"{abs(row['difference']):.2f} points of regret"
        interval = f"[{row['difference_low']:+.2f}, {row['difference_high']:+.2f}]"
        said = {
            "first": f"**{first}** saves {size} over {second}",
            "second": f"**{first}** costs {size} more than {second}",
            "undecided": f"**{first}** and {second} are not told apart",
        }[decided(row["difference_low"], row["difference_high"])]
        lines.append(f"- {said} (difference {interval}).")
    return "\n".join(lines)


def ranks(summary: pd.DataFrame, metric: str = "feature_distance", arm: str = "single") -> str:
    """Whether the image-dependent predictions know which photograph needs more noise."""
    rows = select(checked(summary, "summary"), arm=arm, metric=metric).dropna(subset=["rank_correlation"])
    rows = rows[~rows["method"].isin(YARDSTICKS)]
    told = ", ".join(
        f"{row['rank_correlation']:.2f} ({method_title(row['method'])})" for _, row in rows.iterrows()
    )
    best = rows["rank_correlation"].max()
    verb = "do not know" if not best >= _KNOWS[0] else "hardly know" if best < _KNOWS[1] else "know"
    return (
        f"Across photographs at equal scale, the rank correlation of predicted and best timestep is "
        f"{told or 'not defined'}: the predictions from an image {verb} which photograph needs more noise."
    )


def _seeds(cases: pd.DataFrame) -> str:
    least, most = int(cases["seeds"].min()), int(cases["seeds"].max())
    return _number(most, "seed") if least == most else f"{least} to {most} seeds"


def _interval(row: pd.Series, column: str, form: str) -> str:
    return f"{row[column]:{form}} [{row[f'{column}_low']:{form}}, {row[f'{column}_high']:{form}}]"


def _met(mean: float, high: float, aim: float) -> str:
    if mean > aim:
        return "missed"
    return "reached, by the whole interval" if high <= aim else "reached, though not by the whole interval"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
