"""The algebra: each identity, and t*(s) against the schedules' numbers."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from theory import symbolic
from theory.closed_form import critical_scale, realism_threshold, signature_threshold
from theory.errors import ToolkitError
from theory.identities import IDENTITIES, Identity
from theory.prf import PRF
from theory.schedule import NoiseSchedule
from theory.spectra import PowerLaw

FAMILIES = {
    "linear": NoiseSchedule.linear(),
    "cosine": NoiseSchedule.cosine(),
    "flow_matching": NoiseSchedule.flow_matching(),
    "karras": NoiseSchedule.karras(),
}
families = pytest.mark.parametrize("family", FAMILIES)
LAW = PowerLaw(2e-4, 3.0)
NUMBERS = {symbolic.amplitude: LAW.amplitude, symbolic.exponent: LAW.exponent, symbolic.constant: 1.0}
VALUES = symbolic.DEFAULTS | NUMBERS


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity_holds(name):
    assert IDENTITIES[name].holds()
    assert "=" in IDENTITIES[name].latex()


def test_a_false_identity_does_not_hold():
    x = sp.Symbol("x", positive=True)
    assert not Identity("wrong", sp.sqrt(1 + x), 1 + x / 2).holds()


@families
def test_symbolic_timestep_is_the_schedules(family):
    schedule = FAMILIES[family]
    t = np.arange(1.0, 999.0)
    found = symbolic.numeric(symbolic.t_of_snr(family), symbolic.snr)(schedule.snr(t))
    if family == "linear":
        # The discrete product of 1 - beta against exp(-sum beta): t beta(t) / 6 timesteps, as documented.
        beta = 1e-4 + (0.02 - 1e-4) * t / 999
        np.testing.assert_array_less(np.abs(found - t), t * beta / 5 + 1e-3)
        assert np.max(np.abs(found - t)[:200]) < 0.15
    else:
        np.testing.assert_allclose(found, t, atol=1e-6)


@families
def test_symbolic_optimum_is_the_closed_form_prediction(family):
    t = symbolic.numeric(symbolic.t_optimal(family), symbolic.scale, values=VALUES)
    prf = PRF(FAMILIES[family], LAW)
    for scale in (1.3, 2.0, 2.7, 4.0, 8.0):
        predicted = prf.predict(scale).t_opt
        # Between whole timesteps the cosine's log-SNR is interpolated; linear betas carry the limit's error.
        assert float(t(scale)) == pytest.approx(predicted, abs=0.25 if family == "linear" else 0.02)


@families
def test_slope_is_the_derivative(family):
    t = symbolic.numeric(symbolic.t_optimal(family), symbolic.scale, values=VALUES)
    slope = symbolic.numeric(symbolic.dt_ds(family), symbolic.scale, values=VALUES)
    for scale in (1.5, 3.0, 7.0):
        expected = (t(scale + 1e-4) - t(scale - 1e-4)) / 2e-4
        assert float(slope(scale)) == pytest.approx(float(expected), rel=1e-5)
        assert float(slope(scale)) > 0


@families
def test_limits(family):
    limits = symbolic.t_limits(family)
    t = symbolic.numeric(symbolic.t_optimal(family), symbolic.scale, values=VALUES)
    at_one = float(limits["s->1"].subs(VALUES))
    assert at_one == pytest.approx(float(t(1 + 1e-9)), rel=1e-6)
    total = symbolic.timesteps
    expected = {"linear": sp.oo, "karras": sp.oo, "flow_matching": total, "cosine": total - 1}[family]
    assert sp.simplify(limits["s->oo"] - expected) == 0 or limits["s->oo"] == expected == sp.oo


def test_critical_scale_is_the_numeric_one():
    free = {symbol.name: symbol for symbol in symbolic.critical_scale().free_symbols}
    value = symbolic.critical_scale().subs(
        {
            free["c_R"]: realism_threshold(0.1),
            free["c_L"]: signature_threshold(0.1),
            free["f_s"]: 1 / 32,
            free["a"]: 3.0,
        }
    )
    assert float(value) == pytest.approx(critical_scale(LAW, 0.1, 0.1, 1 / 32))


def test_latex_for_notebooks():
    assert symbolic.latex(symbolic.snr_optimal(), "x").startswith("x = ")
    assert r"\frac" in symbolic.latex(symbolic.t_optimal("flow_matching"))


def test_unknown_family_is_refused():
    with pytest.raises(ToolkitError, match=r"'sine' is unknown.*linear, cosine"):
        symbolic.t_of_snr("sine")
