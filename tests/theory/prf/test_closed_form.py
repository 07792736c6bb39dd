"""The formulas of the closed form against brute-force searches for what they solve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from theory.errors import SpectrumError, ToolkitError
from theory.gaussian import flow_limit
from theory.prf import (
    ClosedForm,
    critical_scale,
    missing_deficit,
    optimal_weight,
    realism_threshold,
    signature_threshold,
    surviving_loss,
)
from theory.spectra import PowerLaw

tolerances = st.floats(0.01, 0.9)


LAW = PowerLaw(2e-4, 3.0)


def form(scale, law=LAW, c=1.0, eps_realism=0.1, eps_signature=0.1, f_s=1 / 32):
    return ClosedForm(law, scale, c, eps_realism, eps_signature, f_s)


@settings(deadline=None, max_examples=100)
@given(r=st.floats(1e-9, 1e9))
def test_per_frequency_shares_are_the_gaussian_chains(r):
    flow = flow_limit(r**-0.5, 1.0)
    assert float(missing_deficit(r)) == pytest.approx(float(flow.frechet_deficit(0.0, 1.0)), abs=1e-12)
    assert float(surviving_loss(r)) == pytest.approx(
        float(flow.squared_error(1.0, 1.0)) / 2, rel=1e-5, abs=1e-12
    )


@settings(deadline=None, max_examples=100)
@given(eps=tolerances)
def test_thresholds_meet_their_tolerance(eps):
    assert float(missing_deficit(realism_threshold(eps))) == pytest.approx(eps)
    assert float(surviving_loss(signature_threshold(eps))) == pytest.approx(eps)


@settings(deadline=None, max_examples=100)
@given(
    eps_r=tolerances,
    eps_l=tolerances,
    exponent=st.floats(0.5, 4),
    f_s=st.floats(1 / 256, 0.5),
    seed=st.integers(0, 99),
)
def test_the_field_is_open_up_to_the_critical_scale_and_not_beyond(eps_r, eps_l, exponent, f_s, seed):
    law = PowerLaw(1e-3, exponent)
    limit = critical_scale(law, eps_r, eps_l, f_s)
    for scale in np.random.default_rng(seed).uniform(1.001, 3 * limit, 5):
        found = form((scale, scale), law, eps_realism=eps_r, eps_signature=eps_l, f_s=f_s)
        if abs(np.log(scale / limit)) > 1e-9:
            assert (found.snr_low >= found.snr_high) == (scale < limit)


def test_flat_spectra_have_no_gradual_critical_scale():
    assert critical_scale(PowerLaw(1.0, 0.0), 0.1, 0.1, 1 / 32) == 1
    assert critical_scale(PowerLaw(1.0, -1.0), 0.5, 0.9, 1 / 32) == 16


@settings(deadline=None, max_examples=60)
@given(sy=st.floats(1, 16), sx=st.floats(1, 16), exponent=st.floats(0, 4))
def test_unequal_scales_count_by_a_mean(sy, sx, exponent):
    law = PowerLaw(1e-3, exponent)
    both, swapped = form((sy, sx), law), form((sx, sy), law)
    assert both.snr_opt == swapped.snr_opt
    # A hair of slack, since a power mean of equal numbers is that number to rounding only.
    assert min(sy, sx) * (1 - 1e-6) <= both.effective_scale <= max(sy, sx) * (1 + 1e-6)
    if (sy, sx) != (1, 1):
        equal = form((both.effective_scale,) * 2, law)
        assert both.snr_opt == pytest.approx(equal.snr_opt, rel=1e-5)
        variances = [float(law(0.5 / s)) for s in (sy, sx)]
        assert 1 / both.snr_opt == pytest.approx(np.mean(variances))


def scale_free_objective(log_snr, weight, exponent, cutoff):
    """Squared error of the survivors plus weight times the deficit of the missing, by brute force in 2-D."""
    log_f = np.linspace(-14, 14, 20001)
    radius = np.exp(log_f)
    r = np.exp(log_snr) * radius**-exponent
    density = np.where(radius < cutoff, 2 * surviving_loss(r), weight * missing_deficit(r))
    return np.trapezoid(density * radius ** (2 - exponent), log_f)


@pytest.mark.parametrize("exponent", [1.6, 2.0, 2.5, 3.0])
@pytest.mark.parametrize("c", [0.5, 1.0, 4.0])
def test_weight_makes_the_closed_form_the_true_optimum(exponent, c):
    weight = optimal_weight(c, exponent)
    best = minimize_scalar(
        lambda x: scale_free_objective(x, weight, exponent, 1.0), bounds=(-3, 4), method="bounded"
    )
    assert np.exp(best.x) == pytest.approx(c, rel=5e-3)


def test_the_optimum_scales_as_the_cutoffs_power():
    # The claim snr(t*) = c / S(f_c): moving the cut-off by 2 moves the optimal SNR by 2^a and nothing else.
    best = [
        minimize_scalar(
            lambda x, cutoff=cutoff: scale_free_objective(x, 5.0, 2.5, cutoff) * cutoff**0.5,
            bounds=(-8, 8), method="bounded",
        ).x
        for cutoff in (0.5, 1.0, 2.0)
    ]  # fmt: skip
    np.testing.assert_allclose(np.diff(best), 2.5 * np.log(2), atol=0.01)


@settings(deadline=None, max_examples=30)
@given(c=st.floats(1e-2, 1e2))
def test_weight_at_exponent_two_by_hand(c):
    assert optimal_weight(c, 2.0) == pytest.approx(
        float(2 * surviving_loss(c) / missing_deficit(c)), rel=1e-7
    )


def test_weight_by_hand():
    assert optimal_weight(1.0, 2.0) == pytest.approx(4 + 2 * np.sqrt(2), rel=1e-9)


@pytest.mark.parametrize("eps", [0, 1, -0.1, np.nan, 2])
def test_bad_tolerances_are_refused(eps):
    with pytest.raises(ToolkitError, match="strictly between 0 and 1"):
        realism_threshold(eps)


def test_bad_weights_are_refused():
    with pytest.raises(SpectrumError, match="exceed 2/3"):
        optimal_weight(1.0, 0.5)
    with pytest.raises(ToolkitError, match="c = 0"):
        optimal_weight(0, 2.0)
