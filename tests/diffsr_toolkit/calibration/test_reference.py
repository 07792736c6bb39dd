"""The mean spectrum of a domain, with its spread."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.calibration import mean_law
from diffsr_toolkit.errors import ToolkitError
from theory.spectra import PowerLaw


def test_laws_through_one_point_have_it_as_their_pivot() -> None:
    exponents = np.array([2.0, 2.5, 3.3])
    laws = [PowerLaw(0.3 * 0.05**exponent, exponent) for exponent in exponents]
    mean = mean_law(laws)
    assert mean.pivot == pytest.approx(0.05) and float(mean(0.05)) == pytest.approx(0.3)
    assert mean.exponent == pytest.approx(exponents.mean())
    assert mean.exponent_std == pytest.approx(exponents.std(ddof=1))
    assert float(mean.log_std(0.05)) == pytest.approx(0, abs=1e-6)


def test_equal_laws_are_their_own_mean() -> None:
    mean = mean_law([PowerLaw(2e-4, 2.5)] * 2)
    assert (mean.amplitude, mean.exponent) == pytest.approx((2e-4, 2.5))
    assert (mean.amplitude_log_std, mean.exponent_std, mean.pivot) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("count", [0, 1])
def test_one_picture_has_no_spread(count: int) -> None:
    with pytest.raises(ToolkitError, match=f"{count} picture.*at least 2"):
        mean_law([PowerLaw(2e-4, 2.5)] * count)
