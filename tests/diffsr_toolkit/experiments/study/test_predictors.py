"""Ways of choosing a timestep: hindsight is the best of its kind, and predictions are those of the theory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.experiments.study import (
    FIXED,
    HUNDREDS,
    OTHER_SEED,
    PER_IMAGE,
    PER_SCALE,
    RIVALS,
    SPECTRA,
    Arm,
    MetricCurve,
    StudyCase,
    choose_all,
    hindsight,
    predicted,
)
from diffsr_toolkit.models import ModelCard, reference_card
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.settings import PAIR, SamplingSettings
from theory.prf import BANDS, Level, ModelResponse
from theory.scale import as_scale
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

LINEAR = NoiseSchedule.linear()
T = np.array([2.0, 9, 23, 50, 100, 200, 300])


SINGLE = SamplingSettings()


def response(settings: SamplingSettings = SINGLE, lost: float = 0.0) -> ModelResponse:
    """Made-up: what is missing comes back with the noise, and `lost` of the rest goes at the cut-off's own power."""
    missing, ratios = BANDS[:-1] >= 1, 4.0 ** np.arange(-4, 6)
    kept = 0.95 / (1 + lost / ratios[:, None])
    gain = np.where(missing, 0.6, kept) / (1 + np.where(missing, ratios[:, None], 0.0))
    power = gain**2 + np.where(missing, 0.1, 0)
    lr_up = np.where(missing, 0.0, 1.0)[None]
    return ModelResponse(np.array([4.0]), ratios, gain[None], power[None], lr_up, sampler=settings.protocol())


def predictor(*responses: ModelResponse, schedule: NoiseSchedule = LINEAR) -> Predictor:
    """Of a model with these responses; without any, with one of a single restoration."""
    return Predictor(schedule, replace(reference_card(), responses=responses or (response(),)))


def case(
    best: float, image: str = "a", scale: float = 2.0, metric: str = "psnr_y", depth: float = 1.0,
    schedule: NoiseSchedule = LINEAR,
) -> StudyCase:  # fmt: skip
    t = np.array([schedule.t_of_snr(float(LINEAR.snr(value))) for value in T])
    loss = depth * 0.1 * (LINEAR.log_snr(T) - LINEAR.log_snr(best)) ** 2
    up = metric.startswith("psnr")
    values = 30 - loss if up else 2 + loss
    seed = sum(map(ord, image))
    law = PowerLaw(1e-4 * (1 + seed % 7), 2.2 + 0.1 * (seed % 9))
    curve = MetricCurve(schedule, t, values, up, 29.0 if up else 3.0)
    return StudyCase(image, as_scale(scale), metric, law, curve, (curve,))


def mean_regret(cases: list[StudyCase], t: float) -> float:
    return float(np.mean([one.curve.regret_percent(t) for one in cases]))


def test_hindsight_is_the_least_mean_regret_of_each_group() -> None:
    cases = [case(12.0, "a"), case(60.0, "b", depth=3), case(150.0, "a", 4.0), case(90.0, "b", 4.0)]
    candidates = [2.0, 9, 20, 35, 50, 100, 200]
    chosen = hindsight(cases, candidates, lambda one: one.scale)
    assert set(chosen) == {(2.0, 2.0), (4.0, 4.0)}
    for scale, t in chosen.items():
        group = [one for one in cases if one.scale == scale]
        assert mean_regret(group, t) == min(mean_regret(group, other) for other in candidates)
    single = hindsight(cases, candidates, lambda one: None)[None]
    assert mean_regret(cases, single) == min(mean_regret(cases, other) for other in candidates)
    each = hindsight(cases, candidates, lambda one: (one.image, one.scale))
    assert sum(mean_regret([one], each[one.image, one.scale]) for one in cases) <= 4 * mean_regret(
        cases, single
    )


def test_each_spectrum_sees_what_it_says() -> None:
    one, other = case(20.0, "a"), case(200.0, "zz")
    ours = predictor()
    assert SPECTRA["per image"](ours, one) == one.spectrum != SPECTRA["per image"](ours, other)
    assert SPECTRA["pooled"](ours, one) == ours.pooled(one.spectrum) != one.spectrum
    assert SPECTRA["per scale"](ours, one) == SPECTRA["per scale"](ours, other) == reference_card().spectrum


@pytest.mark.parametrize("settings", [SINGLE, PAIR], ids=["single", "pair"])
@pytest.mark.parametrize("level", get_args(Level))
def test_a_prediction_is_the_calibrated_field_s(level: Level, settings: SamplingSettings) -> None:
    spectrum = PowerLaw(2e-4, 2.7)
    ours = predictor(response(), response(PAIR, 0.1))
    expected = ours.field(spectrum, metric="psnr_y", level=level, settings=settings).predict(2.0).t_opt
    assert predicted(ours, case(20.0), level, settings, spectrum) == expected


def test_a_level_without_an_answer_is_nan() -> None:
    law = reference_card().spectrum
    ours = predictor()
    assert math.isnan(predicted(ours, case(20.0, metric="lr_psnr"), "model_aware", SINGLE, law))
    assert math.isnan(predicted(ours, case(20.0), "model_aware", PAIR, law))
    assert math.isfinite(predicted(ours, case(20.0, metric="lr_psnr"), "spectral", SINGLE, law))


PLAIN, ANCESTRAL = SamplingSettings(consistency=False), SamplingSettings(eta=1.0)


@pytest.mark.parametrize("settings", [PLAIN, ANCESTRAL], ids=["plain", "ancestral"])
def test_a_sampler_is_predicted_with_its_own_response_or_not_at_all(settings: SamplingSettings) -> None:
    # Consistency and eta count as averaging does: another sampler's response is no answer.
    one, law = case(20.0), PowerLaw(2e-4, 2.7)
    alone = predictor(response())
    assert math.isnan(predicted(alone, one, "model_aware", settings, law))
    own = response(settings, 0.3)
    both = predictor(response(), own)
    t = predicted(both, one, "model_aware", settings, law)
    assert t == predicted(predictor(own), one, "model_aware", settings, law)
    assert t != predicted(both, one, "model_aware", SINGLE, law)


def test_the_whole_study_predicts_an_arm_with_the_arm_s_own_sampler() -> None:
    class Measured(Arm):
        def card(self) -> ModelCard:
            return replace(reference_card(), responses=(response(), response(PLAIN, 0.3)))

    arms = [Measured("x", "x", "x", settings) for settings in (SINGLE, PLAIN)]
    chosen = [choose_all(arm.predictor(), arm.settings, [case(20.0), case(60.0, "b")]) for arm in arms]
    aware = [table[table["method"].str.startswith("model_aware")]["t_pred"].to_numpy() for table in chosen]
    assert np.isfinite(aware).all() and (aware[0] != aware[1]).all()


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    cases = [
        case(best * (1 + 0.2 * scale), image, scale, metric)
        for best, image in ((12.0, "a"), (40.0, "b"), (110.0, "c"))
        for scale in (2.0, 4.0)
        for metric in ("feature_distance", "psnr_y")
    ]
    return choose_all(predictor(), SINGLE, cases)


def test_every_case_is_judged_for_every_way_of_choosing(table: pd.DataFrame) -> None:
    ways = {f"{level}, {what}" for level in get_args(Level) for what in SPECTRA}
    # One seed has no other.
    ways |= {*RIVALS, PER_SCALE, PER_IMAGE}
    assert set(table["method"]) == ways and len(table) == 12 * len(ways)
    assert not table.duplicated(["image", "scale_y", "metric", "method"]).any()
    assert table["t_pred"].between(0, 999).all() and (table["regret_percent"] >= 0).all()
    per_scale = table[table["method"].str.endswith("per scale")]
    assert (per_scale.groupby(["scale_y", "metric", "method"])["t_pred"].nunique() == 1).all()


def test_rivals_are_what_they_say(table: pd.DataFrame) -> None:
    hundreds = table[table["method"] == HUNDREDS]
    np.testing.assert_allclose(hundreds["t_pred"] % 100, 0, atol=1e-6)
    assert hundreds["t_pred"].between(99, 301).all()
    assert (hundreds.groupby(["scale_y", "metric"])["t_pred"].nunique() == 1).all()
    fixed = table[table["method"] == FIXED]
    assert (fixed.groupby("metric")["t_pred"].nunique() == 1).all() and fixed["t_pred"].isin(T).all()


def test_no_single_timestep_beats_that_of_hindsight(table: pd.DataFrame) -> None:
    cases = [
        case(best * (1 + 0.2 * scale), image, scale, "psnr_y")
        for best, image in ((12.0, "a"), (40.0, "b"), (110.0, "c"))
        for scale in (2.0, 4.0)
    ]
    fixed = table[(table["method"] == FIXED) & (table["metric"] == "psnr_y")]["regret_percent"].mean()
    assert fixed == pytest.approx(min(mean_regret(cases, float(t)) for t in T))


def test_hindsight_with_more_freedom_loses_less(table: pd.DataFrame) -> None:
    regret = table.groupby(["metric", "method"])["regret_percent"].mean()
    for metric in ("feature_distance", "psnr_y"):
        own = regret[metric]
        assert own[PER_SCALE] <= own[FIXED] and own[PER_IMAGE] <= own[FIXED]
    per_image = table[table["method"] == PER_IMAGE]
    assert (per_image.groupby(["image", "metric"])["t_pred"].nunique() == 1).all()


def test_another_seed_s_best_is_judged_on_this_one() -> None:
    low, high = case(12.0), case(90.0)
    mean = MetricCurve(LINEAR, T, (low.curve.values + high.curve.values) / 2, True, 29.0)
    both = StudyCase("a", as_scale(2.0), "psnr_y", low.spectrum, mean, (low.curve, high.curve))
    chosen = choose_all(predictor(), SINGLE, [both]).set_index("method")
    other = chosen.loc[OTHER_SEED]
    crossed = [low.curve.regret_percent(high.curve.t_best), high.curve.regret_percent(low.curve.t_best)]
    assert other["regret_one_seed"] == pytest.approx(np.mean(crossed)) and other["regret_one_seed"] > 0
    assert other["abs_dt"] == pytest.approx(abs(high.curve.t_best - low.curve.t_best))
    assert math.isnan(other["regret_percent"]) and math.isnan(other["t_pred"])
    fixed = chosen.loc[FIXED]
    alone = [one.regret_percent(fixed["t_pred"]) for one in both.by_seed]
    assert fixed["regret_one_seed"] == pytest.approx(np.mean(alone))
    assert fixed["regret_percent"] == mean.regret_percent(fixed["t_pred"])


def test_on_another_schedule_the_paper_s_grid_keeps_its_noise_levels() -> None:
    cosine = NoiseSchedule.cosine()
    cases = [case(150.0, image, schedule=cosine) for image in "ab"]
    chosen = choose_all(predictor(schedule=cosine), SINGLE, cases)
    t = chosen[chosen["method"] == HUNDREDS]["t_pred"].unique()
    assert len(t) == 1
    assert float(LINEAR.t_of_snr(float(cosine.snr(float(t[0]))))) % 100 == pytest.approx(0, abs=1e-6)
