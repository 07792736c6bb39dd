"""Estimates whose errors are what they say, and the exact distances of Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.bounds import divergence_terms, gaussian_tv, gaussian_w2, mean_of
from theory.errors import SpectrumError


def test_the_standard_error_is_the_scatter_of_the_means():
    rng = np.random.default_rng(0)
    runs = [mean_of(rng.standard_normal(50)) for _ in range(2000)]
    assert np.std([run.value for run in runs]) == pytest.approx(
        np.mean([run.std_error for run in runs]), rel=0.06
    )


def test_strata_do_not_count_as_error():
    rng, strata = np.random.default_rng(1), 100 * np.arange(30.0)
    runs = [mean_of(strata + rng.standard_normal((3, 30))) for _ in range(2000)]
    scatter = np.std([run.value for run in runs])
    assert scatter == pytest.approx(np.mean([run.std_error for run in runs]), rel=0.06)
    assert scatter == pytest.approx(1 / np.sqrt(90), rel=0.06)


def test_both_kl_estimators_have_the_same_mean_and_the_small_one_little_scatter():
    # N(0, 1) against N(m, 1): KL = m^2 / 2.
    x = np.random.default_rng(2).standard_normal(20000)
    log_ratio = 0.1 * x - 0.005
    plain, small = (mean_of(divergence_terms(log_ratio, small=flag)) for flag in (False, True))
    assert abs(plain.value - 0.005) < 4 * plain.std_error
    assert abs(small.value - 0.005) < 4 * small.std_error < plain.std_error / 2


@settings(deadline=None, max_examples=60)
@given(a=st.floats(1e-3, 1e3), b=st.floats(1e-3, 1e3))
def test_total_variation_in_one_dimension(a, b):
    reach = 12 * np.sqrt(max(a, b))
    # Symmetric and graded towards 0, where the narrow density lives.
    x = reach * np.linspace(0, 1, 20001) ** 3
    p, q = (np.exp(-(x**2) / (2 * v)) / np.sqrt(2 * np.pi * v) for v in (a, b))
    exact = gaussian_tv(a, b)
    assert exact.value == pytest.approx(np.trapezoid(np.abs(p - q), x), abs=1e-4)
    assert exact.std_error == 0


def test_total_variation_by_monte_carlo_agrees_with_the_exact_one():
    # A second mode that both laws share changes nothing.
    estimate, exact = gaussian_tv([1.0, 3.0], [4.0, 3.0], samples=40000), gaussian_tv(1.0, 4.0)
    assert abs(estimate.value - exact.value) < 4 * estimate.std_error
    assert estimate.std_error < 0.5 / np.sqrt(40000)
    assert gaussian_tv(2.0, 2.0).value == 0


def test_total_variation_needs_densities():
    with pytest.raises(SpectrumError, match="above 0"):
        gaussian_tv([1.0, 0.0], [1.0, 1.0])


def test_w2_of_commuting_gaussians():
    assert gaussian_w2([4.0, 1.0], [1.0, 9.0]) == pytest.approx(np.sqrt(1 + 4))
