"""The bootstrap of a mean: what it brackets, how it shrinks, and that it resamples as written out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit.stats import Interval, mean_interval


@settings(deadline=None, max_examples=25)
@given(values=st.lists(st.floats(-100, 100), min_size=1, max_size=30))
def test_an_interval_brackets_its_mean_and_stays_in_the_sample(values: list[float]) -> None:
    mean, low, high = mean_interval(values)
    slack = 1e-9 * (1 + max(map(abs, values)))
    assert mean == pytest.approx(np.mean(values), abs=slack)
    assert min(values) - slack <= low <= mean + slack and mean - slack <= high <= max(values) + slack


def test_an_interval_shrinks_with_the_root_of_the_photographs() -> None:
    # 1.96 standard errors of a mean of n normal values; the bootstrap's own error is a few per cent.
    widths = {}
    for n in (50, 800):
        _, low, high = mean_interval(np.random.default_rng(1).standard_normal(n))
        widths[n] = high - low
        assert widths[n] == pytest.approx(2 * 1.96 / math.sqrt(n), rel=0.25)
    assert widths[50] / widths[800] == pytest.approx(4, rel=0.3)


def test_an_interval_is_reproducible_and_leaves_out_what_is_missing() -> None:
    values = np.array([1.0, 2.0, 5.0])
    assert mean_interval(values) == mean_interval(np.append(values, np.nan)) == mean_interval(values)
    assert mean_interval([7.0]) == Interval(7.0, 7.0, 7.0)
    assert all(map(math.isnan, mean_interval([np.nan])))


@pytest.mark.parametrize("n", [2, 5, 22, 200])
def test_resamples_are_those_of_the_stored_tables(n: int) -> None:
    # The tables that ship were made with these draws and these quantiles, one column after the other.
    values = np.random.default_rng(n).lognormal(size=(3, n))
    ours, plain = np.random.default_rng(4), np.random.default_rng(4)
    for column in values:
        means = column[plain.integers(n, size=(2000, n))].mean(axis=1)
        expected = column.mean(), *np.quantile(means, (0.025, 0.975))
        np.testing.assert_allclose(mean_interval(column, ours), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(
        mean_interval(values[0], 4), mean_interval(values[0], np.random.default_rng(4))
    )
