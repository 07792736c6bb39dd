"""The study's explorer follows its dropdowns and hides no error."""

from __future__ import annotations

import pytest

from diffsr_toolkit.errors import StoreError, ToolkitError
from diffsr_toolkit.widgets import EVERY, StudyExplorer, case_numbers

PNG = b"\x89PNG"


@pytest.fixture
def explorer(study_cases):
    return StudyExplorer(study_cases)


def values(control):
    return [value for _, value in control.options]


def test_opens_with_the_toolkit_s_own_choice(explorer, study_cases):
    shown = (explorer.arm.value, explorer.metric.value, explorer.method.value, explorer.image.value)
    assert shown == ("single", "feature_distance", "model_aware, pooled", EVERY)
    assert values(explorer.arm) == ["single", "pair", "wiener"] and len(values(explorer.method)) == 13
    assert bytes(explorer.figure.value).startswith(PNG)
    rows = study_cases[
        (study_cases["arm"] == "single")
        & (study_cases["metric"] == "feature_distance")
        & (study_cases["method"] == "model_aware, pooled")
    ]
    assert f"20 cases: mean |dt| {rows['abs_dt'].mean():.1f} steps" in explorer.numbers.value
    assert explorer.errors == [] and explorer.status.value == ""


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("arm", "pair"),
        ("metric", "psnr_rgb"),
        ("method", "spectral, per image"),
        ("image", "photograph2"),
    ],
)
def test_every_dropdown_redraws_once(explorer, control, value, monkeypatch):
    drawings = []
    draw = explorer._draw
    monkeypatch.setattr(explorer, "_draw", lambda *args: (drawings.append(args), draw(*args)))
    figure, line = bytes(explorer.figure.value), explorer.numbers.value
    getattr(explorer, control).value = value
    assert len(drawings) == 1 and explorer.errors == []
    assert bytes(explorer.figure.value) != figure and explorer.numbers.value != line


def test_a_photograph_has_its_own_numbers(explorer, study_cases):
    explorer.image.value = "photograph3"
    own = study_cases[
        (study_cases["arm"] == "single")
        & (study_cases["metric"] == "feature_distance")
        & (study_cases["method"] == "model_aware, pooled")
        & (study_cases["image"] == "photograph3")
    ]
    assert case_numbers(own) in explorer.numbers.value and case_numbers(own).startswith("4 cases: ")


def test_a_choice_survives_where_the_setting_has_it(explorer):
    explorer.metric.value, explorer.image.value = "psnr_rgb", "photograph1"
    explorer.arm.value = "wiener"
    assert (explorer.metric.value, explorer.image.value) == ("psnr_rgb", "photograph1")
    assert explorer.method.value == "closed_form, pooled"
    assert not any("model_aware" in name for name in values(explorer.method))
    assert explorer.errors == []


def test_errors_are_shown_and_kept(explorer, monkeypatch):
    def broken(*args):
        raise KeyError("inside")

    with monkeypatch.context() as patch:
        patch.setattr(explorer, "_draw", broken)
        explorer.image.value = "photograph1"
    assert isinstance(explorer.errors[-1], KeyError) and "diffsr-error" in explorer.status.value
    explorer.image.value = "photograph2"
    assert explorer.status.value == "" and len(explorer.errors) == 1


def test_without_a_table_it_says_so(study_cases, monkeypatch, study_folder):
    with pytest.raises(StoreError, match="lacks the columns t_best"):
        StudyExplorer(study_cases.drop(columns="t_best"))
    with pytest.raises(ToolkitError, match="holds no prediction"):
        StudyExplorer(study_cases[study_cases["t_pred"].isna()])
    asked = []
    monkeypatch.setattr("diffsr_toolkit.widgets.study.load", lambda name: asked.append(name) or study_cases)
    assert StudyExplorer().arm.value == "single" and asked == ["cases"]
