"""The study's tables are shown as they are."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.experiments.study import (
    ARMS,
    OTHER_SEED,
    across_arms,
    by_scale_table,
    decided,
    headline,
    method_title,
    paired,
)


def test_headline_shows_every_way_of_choosing(study_summary):
    table = headline(study_summary)
    rows = study_summary[
        (study_summary["arm"] == "single") & (study_summary["metric"] == "feature_distance")
    ].reset_index(drop=True)
    assert list(table["method"]) == [method_title(name) for name in rows["method"]]
    for text, (_, row) in zip(table["mean regret %"], rows.iterrows(), strict=True):
        if row["method"] == OTHER_SEED:
            assert text == "–"
            continue
        numbers = [float(part) for part in text.replace("[", " ").replace("]", " ").replace(",", " ").split()]
        expected = row[["regret_percent", "regret_percent_low", "regret_percent_high"]].to_numpy(float)
        np.testing.assert_allclose(numbers, expected, atol=0.006)
    by_name = table.set_index("method")["rank correlation"]
    assert by_name["best single t"] == "–" and -1 <= float(by_name["closed form, pooled"]) <= 1


def test_arms_are_compared_where_they_answer(study_summary):
    table = across_arms(study_summary)
    assert list(table["arm"]) == [ARMS["single"].title, ARMS["pair"].title]
    assert list(table["photographs"]) == [5, 5]
    assert ARMS["wiener"].title in set(across_arms(study_summary, method="closed_form, pooled")["arm"])


def test_intervals_decide(study_differences):
    table = paired(study_differences).set_index(["first", "second"])
    assert table.loc[("model-aware, pooled", "closed form, pooled"), "better"] == "first"
    assert table.loc[("spectral, pooled", "model-aware, pooled"), "better"] == "second"
    assert table.loc[("model-aware, pooled", "closed form, pooled"), "second / first"] == "4.00"
    empty = study_differences.assign(ratio=np.nan)
    assert set(paired(empty)["second / first"]) == {"–"}
    assert [decided(-2, -1), decided(1, 2), decided(-1, 1)] == ["first", "second", "undecided"]


def test_every_scale_has_its_share_of_the_regret(study_cases):
    worst = (study_cases["method"] == "model_aware, pooled") & (
        study_cases["scale_x"] != study_cases["scale_y"]
    )
    cases = study_cases.assign(regret_percent=study_cases["regret_percent"].where(~worst, 77.0))
    table = by_scale_table(cases).set_index("scale")
    assert list(table.index) == ["1.6", "2.7", "4", "2 x 4"]
    shares = [int(text.rstrip("%")) for text in table["share of all regret"]]
    assert np.argmax(shares) == 3 and sum(shares) == pytest.approx(100, abs=2)
