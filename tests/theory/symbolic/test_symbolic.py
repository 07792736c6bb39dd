"""The algebra as an oracle: schedules, the field's timesteps and their slopes against the numeric functions."""

from __future__ import annotations

from functools import cache
from typing import get_args

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import symbolic
from theory.errors import ToolkitError
from theory.prf import PRF, OnPaper, critical_scale, realism_threshold, signature_threshold
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

FAMILIES = {family: getattr(NoiseSchedule, family)() for family in symbolic.FAMILIES}
families = pytest.mark.parametrize("family", FAMILIES)
RESIDUE = {"linear": 0.03, "scaled_linear": 0.007}
"""What is left of the limit's error, in timesteps, after its leading term, `approximation_error`, is taken off."""
TABLES = ("linear", "scaled_linear", "cosine")
"""Families whose numeric schedule is a table and interpolates log-SNR between whole timesteps."""

VARIABLES = (symbolic.scale, symbolic.amplitude, symbolic.exponent, symbolic.constant)
scales = st.floats(1.01, 16)
amplitudes = st.floats(-5, -2).map(lambda x: 10.0**x)
exponents = st.floats(1.5, 3.5)
constants = st.floats(0.1, 20)
laws = settings(deadline=None, max_examples=25)


@cache
def function(kind, family, *rest):
    """A compiled expression of the family, in `VARIABLES` but where it is one of the schedule alone."""
    values = symbolic.defaults(family)
    if kind == "t_of_snr":
        return symbolic.numeric(symbolic.t_of_snr(family), symbolic.snr, values=values)
    if kind == "snr_of_t":
        return symbolic.numeric(symbolic.snr_of_t(family), symbolic.t, values=values)
    if kind == "error":
        return symbolic.numeric(symbolic.approximation_error(family), symbolic.t, values=values)
    if kind == "t":
        extra = (symbolic.c_realism, symbolic.c_signature, symbolic.signature_frequency)
        return symbolic.numeric(symbolic.t_at(family, *rest), *VARIABLES, *extra, values=values)
    if kind == "slope":
        return symbolic.numeric(
            symbolic.sensitivity(family, *rest), *VARIABLES, symbolic.reference_frequency, values=values
        )
    assert kind == "std"
    errors = (symbolic.log_amplitude_std, symbolic.exponent_std, symbolic.correlation)
    return symbolic.numeric(symbolic.timestep_std(family), *VARIABLES, *errors, values=values)


@families
def test_snr_and_timestep_are_the_schedules(family):
    schedule, t = FAMILIES[family], np.arange(0.0, 999.0)
    if family == "flow_matching":
        t = t + 0.5
    found = function("t_of_snr", family)(schedule.snr(t)) - function("error", family)(t)
    np.testing.assert_allclose(found, t, atol=RESIDUE.get(family, 1e-6))
    snr = function("snr_of_t", family)(t)
    np.testing.assert_allclose(function("t_of_snr", family)(snr), t, atol=1e-8)
    if family not in RESIDUE:
        np.testing.assert_allclose(snr, schedule.snr(t), rtol=1e-8)


@pytest.mark.parametrize(
    ("family", "t", "error"),
    [
        ("linear", 75, 0.02),
        ("linear", 550, 1.03),
        ("linear", 999, 3.4),
        ("scaled_linear", 50, 0.022),
        ("scaled_linear", 150, 0.07),
        ("scaled_linear", 550, 0.49),
        ("scaled_linear", 999, 1.64),
    ],
)
def test_stated_error_of_the_limit(family, t, error):
    found = float(function("t_of_snr", family)(FAMILIES[family].snr(float(t)))) - t
    assert found == pytest.approx(error, rel=0.1)
    assert float(function("error", family)(float(t))) == pytest.approx(found, rel=0.03)


@laws
@given(s=scales, amplitude=amplitudes, a=exponents, c=constants)
@pytest.mark.parametrize("quantity", get_args(symbolic.Quantity))
@families
def test_field_is_the_closed_form_prediction(family, quantity, s, amplitude, a, c):
    prediction = PRF(FAMILIES[family], PowerLaw(amplitude, a), OnPaper(c)).predict(s)
    predicted = getattr(prediction, quantity)
    extra = (realism_threshold(0.1), signature_threshold(0.1), 1 / 32)
    found = float(function("t", family, quantity)(s, amplitude, a, c, *extra))
    schedule = FAMILIES[family]
    if quantity in prediction.clipped:
        # The formula runs on where the schedule ends.
        assert predicted in (schedule.t_min, schedule.t_max)
        slack = 4.0
        assert found <= schedule.t_min + slack or found >= schedule.t_max - slack
        return
    found -= float(function("error", family)(predicted))
    tolerance = RESIDUE.get(family, 1e-6)
    if family in TABLES:
        # Where 1 / snr grows as (t + 1)^k, a chord of its logarithm is off by k / (8 (t + 1)) log-SNR: 1/8 step.
        tolerance += 0.14 / (predicted + 1)
    if family == "cosine":
        # Its logarithm bends towards minus infinity; the last step is capped besides.
        tolerance += 1.0 if predicted > 998 else 0.1 if predicted > 990 else 0.015
    assert found == pytest.approx(predicted, abs=tolerance, rel=1e-9)


@laws
@given(s=scales, amplitude=amplitudes, a=exponents, c=constants)
@pytest.mark.parametrize("variable", ["scale", "log_amplitude", "exponent", "exponent_at_reference"])
@families
def test_slopes_are_derivatives(family, variable, s, amplitude, a, c):
    reference = 0.08

    def moved(step):
        if variable == "scale":
            return s + step, amplitude, a
        if variable == "log_amplitude":
            return s, amplitude * np.exp(step), a
        held = amplitude if variable == "exponent" else amplitude * reference**step
        return s, held, a + step

    t = function("t", family, "t_opt")
    rest = (c, 1.0, 1.0, 1.0)
    expected = (float(t(*moved(1e-4), *rest)) - float(t(*moved(-1e-4), *rest))) / 2e-4
    slope = float(function("slope", family, variable)(s, amplitude, a, c, reference))
    assert slope == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert variable not in ("scale", "log_amplitude") or slope > 0


@pytest.mark.parametrize("variable", ["scale", "exponent"])
def test_upper_end_does_not_know_the_scale(variable):
    slope = symbolic.dlog_snr("t_high", variable)
    assert (slope == 0) == (variable == "scale")


@families
def test_timestep_std_is_the_spread_of_predictions(family):
    rng = np.random.default_rng(0)
    law, errors, kappa, c, s = PowerLaw(2e-4, 2.8), np.array([0.12, 0.04]), -0.95, 1.0, 4.0
    mixed = kappa * errors[0] * errors[1]
    covariance = [[errors[0] ** 2, mixed], [mixed, errors[1] ** 2]]
    draws = rng.multivariate_normal([np.log(law.amplitude), law.exponent], covariance, size=800)
    t = [PRF(FAMILIES[family], PowerLaw(np.exp(log), a), OnPaper(c)).predict(s).t_opt for log, a in draws]
    std = float(function("std", family)(s, law.amplitude, law.exponent, c, *errors, kappa))
    # Five standard errors of a standard deviation of 800 draws are 12.5 %.
    assert np.std(t) == pytest.approx(std, rel=0.125)
    ignored = float(function("std", family)(s, law.amplitude, law.exponent, c, *errors, 0.0))
    assert ignored > 2 * std


def test_cutoff_variance_is_that_of_the_law():
    # The fit keeps the pivot instead of the correlation: kappa = exponent_std log(pivot) / amplitude_log_std.
    law = PowerLaw(2e-4, 2.8, amplitude_log_std=0.3, exponent_std=0.1, pivot=0.1)
    errors = (symbolic.log_amplitude_std, symbolic.exponent_std, symbolic.correlation)
    variance = symbolic.numeric(symbolic.log_cutoff_variance(), symbolic.scale, *errors)
    kappa = law.exponent_std * np.log(law.pivot) / law.amplitude_log_std
    for s in (1.5, 2.7, 5.0, 8.0):
        expected = float(law.log_std(0.5 / s)) ** 2
        assert float(variance(s, law.amplitude_log_std, law.exponent_std, kappa)) == pytest.approx(expected)


def test_sensitivity_table_holds_the_compiled_numbers():
    law = PowerLaw(2e-4, 2.8, amplitude_log_std=0.3, exponent_std=0.1, pivot=0.1)
    rows = {row["schedule"]: row for row in symbolic.sensitivity_table(law, 3.0, c=2.0)}
    assert tuple(rows) == symbolic.FAMILIES
    for family, row in rows.items():
        numbers = (3.0, law.amplitude, law.exponent, 2.0)
        assert row["t_opt"] == pytest.approx(float(function("t", family, "t_opt")(*numbers, 1, 1, 1)))
        held = float(function("slope", family, "exponent_at_reference")(*numbers, law.pivot))
        assert row["dt_da_at_pivot"] == pytest.approx(held)
        by_power = abs(row["dt_dlog_amplitude"]) * float(law.log_std(1 / 6))
        assert row["t_std"] == pytest.approx(by_power)
    certain = symbolic.sensitivity_table(PowerLaw(2e-4, 2.8), 3.0)
    assert all(row["t_std"] == 0 for row in certain)


NUMBERS = {symbolic.amplitude: 2e-4, symbolic.exponent: 3.0, symbolic.constant: 1.0}


@families
def test_last_scale_is_where_the_schedule_ends(family):
    values = symbolic.defaults(family) | NUMBERS
    if family == "cosine":
        assert symbolic.last_scale(family) == sp.oo
        return
    end = float(symbolic.numeric(symbolic.last_scale(family), symbolic.constant, values=values)(1.0))
    t = symbolic.numeric(symbolic.t_optimal(family), symbolic.scale, values=values)
    assert float(t(end)) == pytest.approx(999, abs=1e-4)
    if family in ("linear", "scaled_linear", "karras"):
        prf = PRF(FAMILIES[family], PowerLaw(2e-4, 3.0))
        assert prf.predict(end * 1.1).t_opt == 999
        assert prf.predict(end * 0.9).t_opt < 999


@pytest.mark.parametrize(
    ("schedule", "amplitude", "growth"),
    [
        (NoiseSchedule.linear(20_000, 1e-12, 1e-3), 1e-4, 3 / 2),
        (NoiseSchedule.scaled_linear(20_000, 1e-14, 1e-3), 1e-4, 3 / 3),
        (NoiseSchedule.linear(20_000, 1e-5, 1.0001e-5), 1e-4, 3.0),
        (NoiseSchedule.flow_matching(), 1e-7, 3 / 2),
        (NoiseSchedule.karras(1000, 1e-60, 80.0, 7.0), 1e-4, 3 / 14),
    ],
)
def test_growth_is_that_of_the_schedules(schedule, amplitude, growth):
    # Small scales and a faint spectrum: little noise, many steps.
    prf = PRF(schedule, PowerLaw(amplitude, 3.0))
    low, high = (prf.predict(s).t_opt for s in (2.0, 2.5))
    assert np.log(high / low) / np.log(2.5 / 2.0) == pytest.approx(growth, rel=0.02)


@laws
@given(a=exponents, eps_r=st.floats(0.01, 0.9), eps_l=st.floats(0.01, 0.9), f_s=st.floats(0.01, 0.4))
def test_critical_scale_is_the_numeric_one(a, eps_r, eps_l, f_s):
    formula = symbolic.critical_scale_bounded().subs(
        {
            symbolic.c_realism: symbolic.realism_threshold(),
            symbolic.c_signature: symbolic.signature_threshold(),
        }
    )
    names = (
        symbolic.exponent,
        symbolic.eps_realism,
        symbolic.eps_signature,
        symbolic.signature_frequency,
    )
    found = float(symbolic.numeric(formula, *names)(a, eps_r, eps_l, f_s))
    assert found == pytest.approx(critical_scale(PowerLaw(1e-3, a), eps_r, eps_l, f_s), rel=1e-9)


def test_latex_for_notebooks():
    assert symbolic.latex(symbolic.snr_optimal(), "x").startswith("x = ")
    assert r"\mathrm{snr}" in symbolic.latex(symbolic.t_of_snr("flow_matching"))


@pytest.mark.parametrize("call", [symbolic.t_of_snr, symbolic.snr_of_t, symbolic.defaults])
def test_unknown_family_is_refused(call):
    with pytest.raises(ToolkitError, match=r"'sine' is unknown.*linear, scaled_linear"):
        call("sine")
