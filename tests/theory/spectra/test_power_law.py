"""The power law: its error away from the pivot, and pooling with a reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import SpectrumError
from theory.spectra import PowerLaw


@pytest.mark.parametrize("amplitude", [0.0, -1.0, np.inf, np.nan])
def test_bad_laws_are_refused(amplitude):
    with pytest.raises(SpectrumError, match="amplitude"):
        PowerLaw(amplitude, 2.0)


@settings(deadline=None, max_examples=50)
@given(
    pivot=st.floats(0.01, 0.5), level=st.floats(0.01, 1), std=st.floats(0.01, 1), factor=st.floats(1.01, 10)
)
def test_the_error_grows_with_the_distance_of_an_extrapolation(pivot, level, std, factor):
    law = PowerLaw(1e-3, 2.0, float(np.hypot(level, std * np.log(pivot))), std, pivot)
    assert law.log_std(pivot) == pytest.approx(level, rel=1e-6)
    distance = factor ** np.arange(5)
    assert np.all(np.diff(law.log_std(pivot * distance)) > 0)
    np.testing.assert_allclose(law.log_std(pivot * distance), law.log_std(pivot / distance), rtol=1e-9)


def test_a_law_that_was_given_has_no_error():
    np.testing.assert_array_equal(PowerLaw(1e-3, 2.0).log_std(np.array([0.01, 0.5])), 0)


def test_a_pooled_law_lies_between_the_two_in_logarithm():
    one, reference = PowerLaw(1e-3, 2.0, 0.4, 0.2, pivot=0.1), PowerLaw(4e-5, 3.2)
    assert one.pooled(reference, 1.0) == one
    f = np.array([0.01, 0.1, 0.5])
    np.testing.assert_allclose(one.pooled(reference, 0.0)(f), reference(f))
    for share in (0.25, 0.6):
        law = one.pooled(reference, share)
        np.testing.assert_allclose(law(f), one(f) ** share * reference(f) ** (1 - share))
        np.testing.assert_allclose(law.log_std(f), share * one.log_std(f))
    for share in (-0.1, 1.1, np.nan):
        with pytest.raises(SpectrumError, match=r"share = .*\[0, 1\]"):
            one.pooled(reference, share)
