"""Sentences repeat the tables' numbers and turn with them."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.prediction import reference_spectrum, sensitivity
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.calibration import matching_response, stored_responses
from diffsr_toolkit.experiments.study import sentences
from diffsr_toolkit.experiments.study import FIXED, OTHER_SEED, PER_IMAGE, PER_SCALE
from diffsr_toolkit.experiments.study import Well, common_width, wells
from theory.prf import PRF, ModelAware
from theory.schedules import NoiseSchedule


@pytest.fixture(scope="module")
def responses():
    return stored_responses(data_path("models", "embedded"))


def test_protocol_counts(study_cases):
    text = sentences.protocol(study_cases)
    assert "one of 5 photographs" in text and "scales 1.6, 2.7, 4, 2 x 4" in text
    assert "3 settings were measured: embedded, eta 0; embedded, PAIR (eta 1); Wiener" in text
    assert text.count(". ") == 2 and "a grid of timesteps with 2 seeds" in text
    uneven = study_cases.assign(seeds=study_cases["arm"].map({"single": 3}).fillna(1))
    assert "with 1 to 3 seeds" in sentences.protocol(uneven)
    fewer = study_cases[~((study_cases["arm"] == "pair") & (study_cases["image"] == "photograph1"))]
    assert "measured, some of them on fewer photographs" in sentences.protocol(fewer)


def test_verdict_turns_with_the_numbers(study_summary):
    text = sentences.verdict(study_summary)
    row = study_summary[
        (study_summary["arm"] == "single")
        & (study_summary["metric"] == "feature_distance")
        & (study_summary["method"] == "model_aware, pooled")
    ].iloc[0]
    assert "**model-aware, pooled**" in text
    assert f"loses {row['regret_percent']:.2f} [" in text and f"is {row['abs_dt']:.1f} [" in text
    assert "at most 2 % is reached, by the whole interval" in text
    assert (
        "*best single t*" in text
        and "loses 3.60 %, 3 times as much: the aim of a factor of 2 is reached" in text
    )
    worse = study_summary.assign(
        regret_percent=study_summary["regret_percent"].where(study_summary["method"] != row["method"], 2.5)
    )
    text = sentences.verdict(worse)
    assert "at most 2 % is missed" in text and "1.4 times as much: the aim of a factor of 2 is missed" in text
    wide = study_summary.assign(regret_percent_high=9.0)
    assert "at most 2 % is reached, though not by the whole interval" in sentences.verdict(wide)
    assert "aim" not in sentences.verdict(study_summary, "psnr_rgb")


def test_yardsticks_say_what_hindsight_reaches_and_what_noise_leaves(study_summary):
    text = sentences.yardsticks(study_summary)
    rows = study_summary[
        (study_summary["arm"] == "single") & (study_summary["metric"] == "feature_distance")
    ].set_index("method")
    regret, alone = rows["regret_percent"], rows["regret_one_seed"]
    for name in (FIXED, PER_SCALE, PER_IMAGE):
        assert f"the *{name}* loses {regret[name]:.2f} %" in text
    assert f"at most {regret[FIXED] / regret[PER_SCALE]:.3g} times better" in text
    assert f"loses {alone[OTHER_SEED]:.2f} [" in text and f"single timestep {alone[FIXED]:.2f} %" in text
    one_seed = study_summary[study_summary["method"] != OTHER_SEED]
    assert "with another" not in sentences.yardsticks(one_seed)


def test_the_toolkit_s_own_choice_is_the_best_informed_that_answers(study_cases, study_summary):
    for table in (study_cases, study_summary):
        assert sentences.own_method(table, "feature_distance", "single") == "model_aware, pooled"
        assert sentences.own_method(table, "feature_distance", "wiener") == "closed_form, pooled"
    with pytest.raises(ToolkitError, match="no metric 'lpips'"):
        sentences.own_method(study_cases, "lpips", "single")


@pytest.mark.parametrize(("rank", "verb"), [(-0.3, "do not know"), (0.3, "hardly know"), (0.7, "know")])
def test_ranks_decide_what_the_predictions_know(study_summary, rank, verb):
    own = study_summary["rank_correlation"].notna()
    text = sentences.ranks(study_summary.assign(rank_correlation=np.where(own, rank, np.nan)))
    assert f"{rank:.2f} (model-aware, pooled)" in text and "best" not in text.split(" is ")[1]
    assert f"the predictions from an image {verb} which photograph" in text


def test_levels_are_told_apart_by_their_intervals(study_differences):
    first, second, third = sentences.levels(study_differences).splitlines()
    assert first.startswith("- **model-aware, pooled** saves 3.60 points of regret over closed form, pooled")
    assert second.startswith(
        "- **spectral, pooled** costs 6.00 points of regret more than model-aware, pooled"
    )
    assert third.startswith("- **model-aware, pooled** and model-aware, per scale are not told apart")


def test_flatness_reads_medians(study_cases):
    rows = study_cases[(study_cases["arm"] == "single") & (study_cases["metric"] == "feature_distance")]
    rows = rows[(rows["method"] == "closed_form, per scale") & (rows["scale_y"] == rows["scale_x"])]
    best = rows.groupby("scale_y")["t_best"].median()
    text = sentences.flatness(study_cases)
    assert text.startswith("From scale 1.6 to 4 ")
    assert f"between {best.min():.1f} and {best.max():.1f}," in text and "t = 15, loses 3.60 %" in text
    assert "From scale 1.6 to 2.7 " in sentences.flatness(study_cases, until=3)


def test_failures_find_the_worst(study_cases):
    worst = (
        (study_cases["arm"] == "single")
        & (study_cases["metric"] == "feature_distance")
        & (study_cases["method"] == "model_aware, pooled")
        & (study_cases["image"] == "photograph3")
        & (study_cases["scale_x"] != study_cases["scale_y"])
    )
    cases = study_cases.assign(
        regret_percent=study_cases["regret_percent"].where(~worst, 77.0),
        t_pred=study_cases["t_pred"].where(~worst, 999.0),
    )
    text = sentences.failures(cases)
    assert text.startswith("**model-aware, pooled** loses most at scale 2 x 4, ")
    assert "`photograph3` at scale 2 x 4: predicted 999.0, best " in text and "77.0 %." in text
    assert "In 1 of 20 cases the best timestep is the first or last measured" in text
    assert "closed form, pooled" in sentences.failures(cases, arm="wiener")
    table = sentences.by_scale_table(cases).set_index("scale")
    assert list(table.index) == ["1.6", "2.7", "4", "2 x 4"]
    shares = [int(text.rstrip("%")) for text in table["share of all regret"]]
    assert np.argmax(shares) == 3 and sum(shares) == pytest.approx(100, abs=2)


def test_a_well_is_as_wide_as_its_parabola():
    t = np.linspace(1, 100, 991)
    well = Well((2.0, 2.0), t, 1 + 1e-4 * (t - 30) ** 2)
    assert well.t_best == pytest.approx(30)
    np.testing.assert_allclose(well.width, (20, 40), atol=0.11)
    falling = Well((2.0, 2.0), t, 2 - t / 1000)
    assert falling.t_best == 100 and falling.width[1] == 100
    assert common_width([well, Well((4.0, 4.0), t, well.cost)]) == well.width
    assert common_width([well, falling]) is None


@pytest.mark.parametrize("scale", [1.6, 4.0])
def test_wells_are_the_model_aware_level_s(responses, scale):
    schedule, law, charge = NoiseSchedule.linear(), reference_spectrum(), sensitivity("feature_distance")
    response = matching_response(responses)
    (well,) = wells(schedule, law, response, charge, [scale], points=400)
    assert np.all(np.diff(well.t) > 0)
    prf = PRF(schedule, law, ModelAware(response, charge))
    optimum = prf.predict(scale).t_opt
    # A well with a flat or double bottom leaves the place of its minimum some room, its cost none.
    assert well.width[0] < optimum < well.width[1]
    assert np.interp(optimum, well.t, well.cost) == pytest.approx(well.cost.min(), rel=1e-5)


def test_reasons_say_what_the_responses_hold(responses):
    kept, lost = matching_response(responses), matching_response(responses, consistency=False)
    t = np.linspace(1, 100, 991)
    near, far = (Well((2.0, 2.0), t, 1 + 1e-4 * (t - centre) ** 2) for centre in (30, 80))
    text = sentences.reasons(kept, lost, [near, near], [near, far])
    gains = [np.nanmean(response.gain[:, :, 2], axis=0) for response in (kept, lost)]
    assert f"goes from {gains[0][-1]:.2f} to {gains[0][0]:.2f} where" in text
    assert f"from {gains[1][-1]:.2f} to {gains[1][0]:.2f} where it is not" in text
    assert "With back-projection, every timestep from 20 to 40 stays within 1%" in text
    assert "Without it, no timestep stays within 1%" in text
