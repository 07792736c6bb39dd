"""The theory explorer follows its sliders and hides no error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.prediction import reference_spectrum
from diffsr_toolkit.widgets import (
    LABELS,
    optimum_over_scales,
    plot_oracle,
    plot_steps,
    schedules,
)
from diffsr_toolkit.widgets import PIVOT, TheoryExplorer
from theory import symbolic
from theory.prf import PRF
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def explorer():
    return TheoryExplorer()


def test_every_family_of_the_theory_is_there():
    assert tuple(LABELS) == symbolic.FAMILIES
    assert {name: schedule.name for name, schedule in schedules().items()} == {name: name for name in LABELS}


@pytest.mark.parametrize("family", LABELS)
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
        assert float(explorer.law(PIVOT)) == pytest.approx(float(reference_spectrum()(PIVOT)))


def test_errors_are_shown_and_kept():
    explorer = TheoryExplorer()
    explorer._schedules = {"linear": NoiseSchedule.linear()}
    explorer.family.value = "cosine"
    assert isinstance(explorer.errors[-1], KeyError) and "diffsr-error" in explorer.status.value
    explorer.family.value = "linear"
    assert explorer.status.value == "" and len(explorer.errors) == 1


@pytest.mark.parametrize("family", LABELS)
def test_curve_over_scales_is_the_prediction(family):
    law, schedule = PowerLaw(2e-4, 2.8), schedules()[family]
    curve = optimum_over_scales(schedule, law)
    scales = np.geomspace(1, 16, 120)
    for index in (3, 60, 119):
        predicted = PRF(schedule, law).predict(scales[index]).t_opt
        assert curve[index] * 1000 == pytest.approx(predicted, rel=1e-6)


def test_oracle_figure_shows_every_row():
    head = {
        "operator": "ideal",
        "lr_shape": "16x16",
        "steps": 10,
        "eta": 0.0,
        "blur_sigma": 1.0,
        "noise_std": 0.0,
    }
    rows = [
        head | {"quantity": name, "predicted": 1.0, "relative_difference": x, "standard_error": 0.002}
        for name, x in (("mse", 0.004), ("frechet", -0.003))
    ]
    figure = plot_oracle(pd.DataFrame(rows))
    ax = figure.axes[0]
    (label,) = figure.legends[0].get_texts()
    assert label.get_text() == "ideal to 16x16, 10 steps, eta 0, blur 1"
    (points,) = (line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(np.asarray(points.get_ydata(), dtype=float), [0.4, -0.3])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["mse", "frechet"]
    with pytest.raises(ToolkitError, match="at least one case"):
        plot_oracle(pd.DataFrame(columns=[*head, "quantity"]))


def test_steps_figure_has_curves_and_limits():
    columns = ["steps", "eta", "spacing", "psnr", "frechet", "regenerated_share"]
    values = [(1, 0.0, "log_snr"), (10, 0.0, "log_snr"), (0, 0.0, "limit"), (1, 1.0, "timestep")]
    table = pd.DataFrame([(*row, 26.0, 0.01, 0.5) for row in values], columns=columns)
    left, right = plot_steps(table).axes
    assert len(left.lines) == len(right.lines) == 3
    assert {text.get_text() for text in left.get_legend().get_texts()} == {
        "DDIM, uniform in log-snr",
        "DDPM, uniform in timestep",
    }
