"""Sentences repeat the tables' numbers and turn with them."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.experiments.study import FIXED, OTHER_SEED, PER_IMAGE, PER_SCALE, sentences


def test_procedure_counts(study_cases):
    text = sentences.procedure(study_cases)
    assert "one of 5 photographs" in text and "scales 1.6, 2.7, 4, 2 x 4" in text
    assert "3 settings were measured: embedded, eta 0; embedded, PAIR (eta 1); Wiener" in text
    assert text.count(". ") == 2 and "a grid of timesteps with 2 seeds" in text
    uneven = study_cases.assign(seeds=study_cases["arm"].map({"single": 3}).fillna(1))
    assert "with 1 to 3 seeds" in sentences.procedure(uneven)
    fewer = study_cases[~((study_cases["arm"] == "pair") & (study_cases["image"] == "photograph1"))]
    assert "measured, some of them on fewer photographs" in sentences.procedure(fewer)


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
