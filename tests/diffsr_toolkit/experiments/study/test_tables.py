"""The study's tables are found, written and checked as they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from diffsr_toolkit.errors import OutputError, StoreError, ToolkitError
from diffsr_toolkit.experiments.study import COMMAND, load, own_method, save, select, tables


def test_tables_come_back_as_they_were_written(study_folder, study_cases, study_summary):
    cases = load("cases", study_folder)
    pd.testing.assert_frame_equal(cases, study_cases, rtol=1e-4, check_dtype=False)
    assert cases["at_edge"].dtype == bool
    pd.testing.assert_frame_equal(load("summary", study_folder), study_summary, rtol=1e-4, check_dtype=False)
    assert {"scale_y", "scale_x"} <= set(load("per_scale", study_folder))
    assert len(load("differences", study_folder))


def test_a_missing_table_names_the_command(tmp_path, monkeypatch):
    with pytest.raises(ToolkitError, match=r"does not exist: write it with python -m diffsr_toolkit\.experi"):
        load("cases", tmp_path)

    def nothing(*parts):
        raise ToolkitError(f"the shipped file data/{'/'.join(parts)} is missing")

    monkeypatch.setattr(tables, "data_path", nothing)
    with pytest.raises(ToolkitError, match=r"data/study/summary\.csv is missing: .*\.experiments\.study"):
        load("summary")


def test_the_command_is_one_that_the_study_has():
    from diffsr_toolkit.experiments.study import __main__ as command

    options = {"--seeds", "--store", "--out"}
    assert options == {word for word in COMMAND.split() if word.startswith("--")}
    source = Path(command.__file__).read_text()
    assert all(f'"{option}"' in source for option in options)


def test_equal_tables_make_equal_files_and_none_is_left_half_written(tmp_path, study_cases, study_summary):
    for name, table in (("cases", study_cases), ("summary", study_summary)):
        for folder in ("a", "b"):
            save(name, table, tmp_path / folder)
        files = [tmp_path / folder / tables.file_name(name) for folder in ("a", "b")]
        assert files[0].read_bytes() == files[1].read_bytes()
        back = load(name, tmp_path / "a")
        pd.testing.assert_frame_equal(back, table, rtol=1e-4, check_dtype=False)
        save(name, back, tmp_path / "b")
        assert files[0].read_bytes() == files[1].read_bytes()
    assert not list(tmp_path.rglob("*.tmp"))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose a writable folder"):
        save("summary", study_summary, tmp_path / "file")


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


def test_the_toolkit_s_own_choice_is_the_best_informed_that_answers(study_cases, study_summary):
    for table in (study_cases, study_summary):
        assert own_method(table, "feature_distance", "single") == "model_aware, pooled"
        assert own_method(table, "feature_distance", "wiener") == "closed_form, pooled"
    with pytest.raises(ToolkitError, match="no metric 'lpips'"):
        own_method(study_cases, "lpips", "single")
