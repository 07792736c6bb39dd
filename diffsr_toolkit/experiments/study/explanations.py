"""Where the predictions fail, and why, in words; every number is read from the tables and the responses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from diffsr_toolkit.experiments.study.curves import NEAR
from diffsr_toolkit.experiments.study.flatness import Well, common_width
from diffsr_toolkit.experiments.study.predictors import FIXED
from diffsr_toolkit.experiments.study.readable import method_title
from diffsr_toolkit.experiments.study.tables import by_scale, checked, own_method, select
from diffsr_toolkit.stats import scale_label
from theory.prf import BANDS, ModelResponse


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
