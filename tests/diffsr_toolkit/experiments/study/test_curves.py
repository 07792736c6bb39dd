"""A measured curve: its best timestep, and what another one costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit.experiments.study import MetricCurve
from theory.schedules import NoiseSchedule

LINEAR = NoiseSchedule.linear()
T = np.array([2.0, 9, 23, 50, 100, 200, 400])


def parabola(
    best: float, schedule: NoiseSchedule = LINEAR, t: np.ndarray = T, up: bool = False
) -> MetricCurve:
    values = 3 + 0.1 * (schedule.log_snr(t) - schedule.log_snr(best)) ** 2
    return MetricCurve(schedule, t, -values if up else values, up, -3.5 if up else 3.5)


@settings(deadline=None, max_examples=40)
@given(best=st.floats(20, 120), up=st.booleans())
def test_the_vertex_of_a_parabola_in_log_snr_is_found(best: float, up: bool) -> None:
    curve = parabola(best, up=up)
    assert curve.t_best == pytest.approx(best, rel=1e-6) and not curve.at_edge


@pytest.mark.parametrize("name", ["cosine", "flow_matching"])
def test_the_vertex_is_that_of_equal_snr_on_any_schedule(name: str) -> None:
    other = getattr(NoiseSchedule, name)()
    t = np.array([other.t_of_snr(float(LINEAR.snr(value))) for value in T])
    best = float(other.t_of_snr(float(LINEAR.snr(60.0))))
    assert parabola(best, other, t).t_best == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize(("values", "best"), [(np.arange(7.0), 2.0), (-np.arange(7.0), 400.0)])
def test_at_an_edge_the_edge_is_best(values: np.ndarray, best: float) -> None:
    curve = MetricCurve(LINEAR, T, values + 10, False, 3.0)
    assert curve.t_best == best and curve.at_edge


def test_a_plateau_is_no_division_by_zero() -> None:
    curve = MetricCurve(LINEAR, T, np.array([2.0, 1, 1, 1, 1, 1, 2]), False, 3.0)
    assert T[0] <= curve.t_best <= T[3]


@pytest.mark.parametrize("up", [False, True])
def test_regret_is_nothing_at_the_best_measured_and_per_cent_elsewhere(up: bool) -> None:
    values = np.array([10.0, 9, 8, 10, 11, 12, 16])
    curve = MetricCurve(LINEAR, T, 20 - values if up else values, up, 9.0)
    best = 12.0 if up else 8.0
    assert curve.regret_percent(23.0) == 0
    for t, value in zip(T, values, strict=True):
        assert curve.value(t) == pytest.approx(20 - value if up else value)
        assert curve.regret_percent(t) == pytest.approx(100 * (value - 8) / best)
    assert curve.value(0.0) == curve.value(2.0) and curve.value(999.0) == curve.value(400.0)
    # A monotone interpolation never passes its neighbours, so nothing is better than the best measured.
    assert all(0 <= curve.regret_percent(t) <= 50 / best * 16 for t in np.linspace(2, 400, 60))
    assert 8 < abs(curve.value(35.0) - (20 if up else 0)) < 10


def test_a_chosen_timestep_is_judged() -> None:
    curve = parabola(50.0)
    good = curve.judge(50.0)
    assert good["t_best"] == pytest.approx(50) and good["abs_dt"] == pytest.approx(0, abs=1e-6)
    assert (good["regret_percent"], good["near"], good["beats_bicubic"], good["at_edge"]) == (0, 1, 1, False)
    bad = curve.judge(400.0)
    assert bad["abs_dt"] == pytest.approx(350) and bad["near"] == 0 and bad["beats_bicubic"] == 0
    up = parabola(50.0, up=True)
    assert up.judge(50.0)["beats_bicubic"] == 1 and up.judge(400.0)["beats_bicubic"] == 0


def test_a_choice_that_does_not_exist_has_no_judgement() -> None:
    judged = parabola(50.0).judge(math.nan)
    assert all(math.isnan(judged[key]) for key in ("abs_dt", "regret_percent", "near", "beats_bicubic"))
    assert judged["t_best"] == pytest.approx(50)


def test_a_bicubic_image_that_was_not_measured_is_not_beaten_nor_unbeaten() -> None:
    assert math.isnan(MetricCurve(LINEAR, T, np.arange(1.0, 8), False, math.nan).judge(9.0)["beats_bicubic"])
