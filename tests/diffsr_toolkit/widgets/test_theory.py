"""The theory explorer follows its sliders and hides no error."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.models import reference_card
from diffsr_toolkit.widgets import FAMILY_LABELS, PIVOT, TheoryExplorer, optimum_over_scales, schedules
from theory.prf import PRF
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw
from theory.symbolic import FAMILIES

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def explorer():
    return TheoryExplorer()


def test_every_family_of_the_theory_is_there():
    assert tuple(FAMILY_LABELS) == FAMILIES
    assert {name: schedule.name for name, schedule in schedules().items()} == {
        name: name for name in FAMILY_LABELS
    }


@pytest.mark.parametrize("family", FAMILY_LABELS)
def test_sliders_move_figure_and_numbers(explorer, family):
    explorer.family.value = family
    explorer.scale.value, explorer.exponent.value = 2.0, 2.5
    before = bytes(explorer.figure.value)
    assert before.startswith(PNG)
    explorer.scale.value = 5.0
    assert bytes(explorer.figure.value) != before
    assert explorer.errors == [] and explorer.status.value == ""
    expected = PRF(schedules()[family], explorer.law).predict(explorer.scale.value)
    assert explorer.predictions[family].t_opt == expected.t_opt
    assert f"<td>{expected.t_opt:.1f}</td>" in explorer.table.value


def test_the_exponent_turns_the_spectrum_around_the_pivot(explorer):
    for exponent in (1.0, 2.2, 4.0):
        explorer.exponent.value = exponent
        assert explorer.law.exponent == exponent
        assert float(explorer.law(PIVOT)) == pytest.approx(float(reference_card().spectrum(PIVOT)))


def test_errors_are_shown_and_kept():
    explorer = TheoryExplorer()
    explorer._schedules = {"linear": NoiseSchedule.linear()}
    explorer.family.value = "cosine"
    assert isinstance(explorer.errors[-1], KeyError) and "diffsr-error" in explorer.status.value
    explorer.family.value = "linear"
    assert explorer.status.value == "" and len(explorer.errors) == 1


@pytest.mark.parametrize("family", FAMILY_LABELS)
def test_curve_over_scales_is_the_prediction(family):
    law, schedule = PowerLaw(2e-4, 2.8), schedules()[family]
    curve = optimum_over_scales(schedule, law)
    scales = np.geomspace(1, 16, 120)
    for index in (3, 60, 119):
        predicted = PRF(schedule, law).predict(scales[index]).t_opt
        assert curve[index] * 1000 == pytest.approx(predicted, rel=1e-6)
