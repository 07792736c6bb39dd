"""The study's tables are found, checked and shown as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.errors import StoreError, ToolkitError
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.calibration import stored_responses
from diffsr_toolkit.experiments.study import tables
from diffsr_toolkit.experiments.study import ARMS
from diffsr_toolkit.experiments.study import NEEDS, prediction_cost
from diffsr_toolkit.experiments.study import OTHER_SEED
from diffsr_toolkit.experiments.study import across_arms, decided, headline, load, method_title, paired, select
from theory.schedules import NoiseSchedule


def test_tables_come_back_as_they_were_written(study_folder, study_cases, study_summary):
    cases = load("cases", study_folder)
    pd.testing.assert_frame_equal(cases, study_cases, rtol=1e-4, check_dtype=False)
    assert cases["at_edge"].dtype == bool
    pd.testing.assert_frame_equal(load("summary", study_folder), study_summary, rtol=1e-4, check_dtype=False)
    assert {"scale_y", "scale_x"} <= set(load("per_scale", study_folder))
    assert len(load("differences", study_folder))


def test_a_missing_table_names_the_command(tmp_path, monkeypatch):
    with pytest.raises(ToolkitError, match=r"does not exist: write it with python -m diffsr_toolkit\.study"):
        load("cases", tmp_path)

    def nothing(*parts):
        raise ToolkitError(f"the shipped file data/{'/'.join(parts)} is missing")

    monkeypatch.setattr(tables, "data_path", nothing)
    with pytest.raises(ToolkitError, match=r"data/study/summary\.csv is missing: .* diffsr_toolkit\.study"):
        load("summary")


def test_the_command_is_one_that_the_study_has():
    from diffsr_toolkit.experiments.study import __main__ as command

    options = {"--seeds", "--store", "--out"}
    assert options == {word for word in tables.COMMAND.split() if word.startswith("--")}
    source = Path(command.__file__).read_text()
    assert all(f'"{option}"' in source for option in options)


def test_what_is_no_table_of_the_study_is_refused(tmp_path, study_cases):
    with pytest.raises(ToolkitError, match="no table 'optima': choose among curves, spectra, cases, summary"):
        load("optima", tmp_path)
    (tmp_path / "summary.csv").write_text("")
    with pytest.raises(StoreError, match="cannot be read as a table"):
        load("summary", tmp_path)
    study_cases.drop(columns=["t_best", "near"]).to_csv(tmp_path / "cases.csv.gz")
    with pytest.raises(StoreError, match="lacks the columns t_best, near"):
        load("cases", tmp_path)


def test_a_selection_that_is_empty_says_what_there_is(study_cases):
    assert set(select(study_cases, arm="pair", metric="psnr_rgb")["arm"]) == {"pair"}
    with pytest.raises(ToolkitError, match="no arm 'plain' here: choose among single, pair, wiener"):
        select(study_cases, arm="plain")
    with pytest.raises(ToolkitError, match="no metric 'lpips' here: choose among psnr_rgb, feature_distance"):
        select(study_cases, arm="pair", metric="lpips")


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


def test_every_level_has_a_cost():
    responses = stored_responses(data_path("models", "embedded"))
    table = prediction_cost(NoiseSchedule.linear(), responses, repeats=2)
    assert list(table["level"]) == [method_title(level) for level in NEEDS]
    assert (table["milliseconds"] > 0).all()
    with pytest.raises(ToolkitError, match="0 responses"):
        prediction_cost(NoiseSchedule.linear(), [])
