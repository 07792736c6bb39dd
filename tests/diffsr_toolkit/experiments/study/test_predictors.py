"""Ways of choosing a timestep: hindsight is the best of its kind, and predictions are those of the theory."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.prediction import field, pooled, reference_spectrum
from diffsr_toolkit.experiments.study import Curve
from diffsr_toolkit.experiments.study import (
    BASELINES,
    FIXED,
    HUNDREDS,
    LEVELS,
    OTHER_SEED,
    PER_IMAGE,
    PER_SCALE,
    SPECTRA,
    Case,
    choose_all,
    hindsight,
    predicted,
)
from theory.prf import BANDS, ModelResponse
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

LINEAR = NoiseSchedule.linear()
T = np.array([2.0, 9, 23, 50, 100, 200, 300])


def response(samples: int = 1) -> ModelResponse:
    missing, ratios = BANDS[:-1] >= 1, 4.0 ** np.arange(-4, 6)
    gain = np.where(missing, 0.6, 1 - 0.05) / (1 + np.where(missing, ratios[:, None], 0.0))
    sampler = {"samples": samples, "consistency": True}
    power = gain**2 + np.where(missing, 0.1, 0)
    return ModelResponse(
        np.array([4.0]), ratios, gain[None], power[None], np.where(missing, 0.0, 1.0)[None], sampler=sampler
    )


def case(
    best: float, image: str = "a", scale: float = 2.0, metric: str = "psnr_y", depth: float = 1.0,
    schedule: NoiseSchedule = LINEAR,
) -> Case:  # fmt: skip
    t = np.array([schedule.t_of_snr(float(LINEAR.snr(value))) for value in T])
    loss = depth * 0.1 * (LINEAR.log_snr(T) - LINEAR.log_snr(best)) ** 2
    up = metric.startswith("psnr")
    values = 30 - loss if up else 2 + loss
    seed = sum(map(ord, image))
    law = PowerLaw(1e-4 * (1 + seed % 7), 2.2 + 0.1 * (seed % 9))
    curve = Curve(schedule, t, values, up, 29.0 if up else 3.0)
    return Case(image, (scale, scale), metric, law, curve, (curve,))


def mean_regret(cases: list[Case], t: float) -> float:
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
    assert SPECTRA["per image"](one) == one.spectrum != SPECTRA["per image"](other)
    assert SPECTRA["pooled"](one) == pooled(one.spectrum)
    assert SPECTRA["per scale"](one) == SPECTRA["per scale"](other) == reference_spectrum()


@pytest.mark.parametrize("level", LEVELS)
def test_a_prediction_is_the_calibrated_field_s(level) -> None:
    spectrum = PowerLaw(2e-4, 2.7)
    expected = field(LINEAR, spectrum, metric="psnr_y", level=level, response=response()).predict(2.0).t_opt
    assert predicted(LINEAR, [response()], case(20.0), level, 1, spectrum) == expected


def test_a_level_without_an_answer_is_nan() -> None:
    law = reference_spectrum()
    known = [response()]
    assert math.isnan(predicted(LINEAR, known, case(20.0, metric="lr_psnr"), "model_aware", 1, law))
    assert math.isnan(predicted(LINEAR, known, case(20.0), "model_aware", 2, law))
    assert math.isfinite(predicted(LINEAR, known, case(20.0, metric="lr_psnr"), "spectral", 1, law))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    cases = [
        case(best * (1 + 0.2 * scale), image, scale, metric)
        for best, image in ((12.0, "a"), (40.0, "b"), (110.0, "c"))
        for scale in (2.0, 4.0)
        for metric in ("feature_distance", "psnr_y")
    ]
    return choose_all(LINEAR, [response()], cases, 1)


def test_every_case_is_judged_for_every_way_of_choosing(table: pd.DataFrame) -> None:
    ways = {f"{level}, {what}" for level in LEVELS for what in SPECTRA}
    # One seed has no other.
    ways |= {*BASELINES, PER_SCALE, PER_IMAGE}
    assert set(table["method"]) == ways and len(table) == 12 * len(ways)
    assert not table.duplicated(["image", "scale_y", "metric", "method"]).any()
    assert table["t_pred"].between(0, 999).all() and (table["regret_percent"] >= 0).all()
    per_scale = table[table["method"].str.endswith("per scale")]
    assert (per_scale.groupby(["scale_y", "metric", "method"])["t_pred"].nunique() == 1).all()


def test_baselines_are_what_they_say(table: pd.DataFrame) -> None:
    hundreds = table[table["method"] == HUNDREDS]
    np.testing.assert_allclose(hundreds["t_pred"] % 100, 0, atol=1e-6)
    assert hundreds["t_pred"].between(99, 301).all()
    assert (hundreds.groupby(["scale_y", "metric"])["t_pred"].nunique() == 1).all()
    fixed = table[table["method"] == FIXED]
    assert (fixed.groupby("metric")["t_pred"].nunique() == 1).all() and fixed["t_pred"].isin(T).all()


def test_no_single_timestep_beats_the_baseline_of_hindsight(table: pd.DataFrame) -> None:
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
    mean = Curve(LINEAR, T, (low.curve.values + high.curve.values) / 2, True, 29.0)
    both = Case("a", (2.0, 2.0), "psnr_y", low.spectrum, mean, (low.curve, high.curve))
    chosen = choose_all(LINEAR, [response()], [both], 1).set_index("method")
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
    chosen = choose_all(cosine, [response()], cases, 1)
    t = chosen[chosen["method"] == HUNDREDS]["t_pred"].unique()
    assert len(t) == 1
    assert float(LINEAR.t_of_snr(float(cosine.snr(float(t[0]))))) % 100 == pytest.approx(0, abs=1e-6)
