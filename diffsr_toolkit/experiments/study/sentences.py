"""What the study's tables say, in words; every number is read from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from diffsr_toolkit.stats import SHORT, scale_label
from diffsr_toolkit.experiments.study.arms import SIDE
from diffsr_toolkit.experiments.study.panels import by_scale
from diffsr_toolkit.experiments.study.predictors import BASELINES, FIXED, OTHER_SEED, PER_IMAGE, PER_SCALE, YARDSTICKS
from diffsr_toolkit.experiments.study.tables import arm_title, checked, decided, method_title, select
from diffsr_toolkit.experiments.study.flatness import NEAR, Well, common_width
from theory.prf import BANDS, ModelResponse

AIM_REGRET, AIM_STEPS, AIM_FACTOR = 2.0, 25.0, 2.0
"""What the project set out to reach by feature distance: mean regret in per cent, mean |dt| in steps of 1000, and
how many times the regret of each baseline is to be."""

OWN = ("model_aware, pooled", "closed_form, pooled")
"""What the toolkit itself predicts with: the first that answers."""

_KNOWS = (0.15, 0.4)
"""Rank correlations below which a prediction is said not to know, or hardly to know, which photograph is which."""


def own_method(table: pd.DataFrame, metric: str, arm: str) -> str:
    """The way of choosing that the toolkit uses for this metric and sampler.

    Raises
    ------
    ToolkitError
        When the table holds neither.
    """
    rows = select(table, arm=arm, metric=metric)
    if "t_pred" in rows:
        rows = rows.dropna(subset=["t_pred"])
    for method in OWN[:-1]:
        if (rows["method"] == method).any():
            return method
    return str(select(rows, method=OWN[-1])["method"].iloc[0])


def protocol(cases: pd.DataFrame) -> str:
    """How it was measured, in three sentences."""
    cases = checked(cases, "cases")
    own = cases[cases["arm"] == cases["arm"].iloc[0]]
    scales = ", ".join(scale_label(*pair) for pair, _ in by_scale(own))
    names = list(dict.fromkeys(cases["arm"]))
    arms = "; ".join(arm_title(arm) for arm in names)
    fewer = cases.groupby("arm").apply(
        lambda rows: len(rows[["image", "scale_y", "scale_x"]].drop_duplicates())
    )
    some = ", some of them on fewer photographs or scales" if fewer.nunique() > 1 else ""
    return (
        f"Every one of {_number(own['image'].nunique(), 'photograph')}, none of which any training or calibration saw, "
        f"is reduced as a whole until its longer side has {SIDE} pixels, made smaller by the scales {scales}, and "
        f"restored from a grid of timesteps with {_seeds(cases)}. The best timestep is the vertex "
        f"of a parabola in log-SNR through the best grid point, of the mean over seeds, and its neighbours; a choice's "
        f"*regret* is what the metric loses at it, against the best point, in per cent, and intervals are 95 % "
        f"bootstrap intervals over photographs, whose seeds come with them. {_number(len(names), 'setting')} "
        f"{'was' if len(names) == 1 else 'were'} measured{some}: "
        f"{arms}."
    )


def verdict(summary: pd.DataFrame, metric: str = "feature_distance", arm: str = "single") -> str:
    """What the toolkit's own prediction reached, beside the aims and the baselines."""
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
    for baseline in BASELINES:
        other = rows[rows["method"] == baseline]
        if len(other) and row["regret_percent"] > 0:
            ratio = float(other["regret_percent"].iloc[0] / row["regret_percent"])
            aim = "reached" if ratio >= AIM_FACTOR else "missed"
            text += (
                f" The *{baseline}*, picked with hindsight on these very cases, loses "
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
    for _, row in rows[~rows["second"].isin((*BASELINES, *YARDSTICKS))].iterrows():
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


def flatness(
    cases: pd.DataFrame, metric: str = "feature_distance", arm: str = "single", until: float = 4.0
) -> str:
    """How little the measured best timestep moves with the scale, beside what the closed form expects."""
    rows = select(checked(cases, "cases"), arm=arm, metric=metric)
    rows = rows[(rows["scale_y"] == rows["scale_x"]) & (rows["scale_y"] <= until)]
    closed = select(rows, method="closed_form, per scale").groupby("scale_y")
    best, expected = closed["t_best"].median(), closed["t_pred"].median()
    text = (
        f"From scale {best.index[0]:g} to {best.index[-1]:g} the median best timestep measured lies between "
        f"{best.min():.1f} and {best.max():.1f}, while the closed form rises from {expected.iloc[0]:.1f} to "
        f"{expected.iloc[-1]:.1f}."
    )
    fixed = rows[rows["method"] == FIXED]
    if len(fixed):
        text += (
            f" One timestep for all, t = {fixed['t_pred'].iloc[0]:g}, loses {fixed['regret_percent'].mean():.2f} % "
            f"at these scales."
        )
    return text


def reasons(
    consistent: ModelResponse, plain: ModelResponse, with_it: Sequence[Well], without: Sequence[Well]
) -> str:
    """Why the noise level matters so little when every estimate is back-projected."""
    band = int(np.flatnonzero(BANDS == 0.5)[0])
    kept, lost = (np.nanmean(response.gain[:, :, band], axis=0) for response in (consistent, plain))
    falls = (
        f"Between the least and the most noise measured, the gain of the band from {BANDS[band]:g} to "
        f"{BANDS[band + 1]:g} of the cut-off goes from {kept[-1]:.2f} to {kept[0]:.2f} where every estimate is "
        f"back-projected, and from {lost[-1]:.2f} to {lost[0]:.2f} where it is not."
    )
    return f"{falls} {_width(with_it, 'With back-projection')} {_width(without, 'Without it')}"


def _width(found: Sequence[Well], when: str) -> str:
    scales = f"scales {scale_label(*found[0].scale)} to {scale_label(*found[-1].scale)}"
    common = common_width(found)
    if common is None:
        return f"{when}, no timestep stays within {NEAR:.0%} of the least expected metric at all {scales}."
    return (
        f"{when}, every timestep from {common[0]:.0f} to {common[1]:.0f} stays within {NEAR:.0%} of the least expected "
        f"metric at all {scales}."
    )


def failures(
    cases: pd.DataFrame, metric: str = "feature_distance", arm: str = "single", method: str | None = None
) -> str:
    """Where a way of choosing loses most: scale, direction, photograph, and what cannot be told."""
    rows = select(checked(cases, "cases"), arm=arm, metric=metric)
    method = own_method(rows, metric, arm) if method is None else method
    rows = select(rows, method=method).dropna(subset=["t_pred"])
    scales = {scale_label(*pair): group for pair, group in by_scale(rows)}
    regret = pd.Series({name: group["regret_percent"].mean() for name, group in scales.items()})
    worst = str(regret.idxmax())
    too_much = int((scales[worst]["t_pred"] > scales[worst]["t_best"]).sum())
    case = rows.loc[rows["regret_percent"].idxmax()]
    tenth = max(1, round(len(rows) / 10))
    share = float(rows["regret_percent"].nlargest(tenth).sum() / max(rows["regret_percent"].sum(), 1e-12))
    text = (
        f"**{method_title(method)}** loses most at scale {worst}, {regret.max():.2f} % on average, and least at "
        f"{regret.idxmin()}, {regret.min():.2f} %; at {worst} it takes more noise than is best for {too_much} of "
        f"{len(scales[worst])} photographs. The worst tenth of all cases holds {share:.0%} of all "
        f"regret, and the worst of them is `{case['image']}` at scale "
        f"{scale_label(case['scale_y'], case['scale_x'])}: predicted {case['t_pred']:.1f}, best "
        f"{case['t_best']:.1f}, {case['regret_percent']:.1f} %."
    )
    edge = int(rows["at_edge"].sum())
    if edge:
        text += (
            f" In {edge} of {len(rows)} cases the best timestep is the first or last measured: there the true "
            f"one may lie outside the grid."
        )
    return text


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


def _seeds(cases: pd.DataFrame) -> str:
    least, most = int(cases["seeds"].min()), int(cases["seeds"].max())
    return _number(most, "seed") if least == most else f"{least} to {most} seeds"


def _range(values: pd.Series) -> str:
    return f"{values.median():.1f} ({values.min():.1f} to {values.max():.1f})"


def _interval(row: pd.Series, column: str, form: str) -> str:
    return f"{row[column]:{form}} [{row[f'{column}_low']:{form}}, {row[f'{column}_high']:{form}}]"


def _met(mean: float, high: float, aim: float) -> str:
    if mean > aim:
        return "missed"
    return "reached, by the whole interval" if high <= aim else "reached, though not by the whole interval"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
