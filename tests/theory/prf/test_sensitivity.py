"""What a metric charges: octaves of the plane, the squared error, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from theory.errors import ToolkitError
from theory.prf import Sensitivity
from theory.prf.spectral import frequency_nodes

FREQUENCY = np.array([0.01, 0.05, 0.2, 0.7])
FLAT = Sensitivity("flat", FREQUENCY, np.full(4, 2.5), excess=0.4)


@settings(deadline=None, max_examples=40)
@given(low=st.floats(1e-3, 0.3), exponent=st.floats(0, 3))
def test_an_octave_of_the_plane_costs_its_charge_whatever_its_power(low, exponent):
    def density(f):
        return float(FLAT.charge(f, f**-exponent)[0]) * 2 * np.pi * f

    assert quad(density, low, 2 * low)[0] == pytest.approx(2.5, rel=1e-6)


def test_the_whole_plane_costs_all_its_octaves():
    fy, fx, weight = frequency_nodes(1 / 64)
    coherent, _ = FLAT.charge(np.hypot(fy, fx), np.ones_like(fy))
    angle = np.linspace(0, np.pi / 4, 20001)
    octaves = 8 * np.trapezoid(np.log2(0.5 / np.cos(angle) * 64), angle) / (2 * np.pi)
    assert weight @ coherent == pytest.approx(2.5 * octaves, rel=1e-6)


def test_squared_error_charges_power_itself():
    psnr, psd = Sensitivity.squared_error("psnr_y"), np.array([3.0, 0.2])
    assert not psnr.is_relative and psnr.metric == "psnr_y" and FLAT.is_relative
    for charge in psnr.charge(np.array([0.1, 0.4]), psd):
        np.testing.assert_array_equal(charge, psd)


def test_excess_is_what_incoherent_power_costs_more():
    coherent, incoherent = FLAT.charge(np.array([0.02, 0.3]), 1.0)
    np.testing.assert_allclose(incoherent, 0.4 * coherent)


def test_charges_are_interpolated_in_log_frequency_and_constant_beyond():
    rising = Sensitivity("rising", FREQUENCY, np.array([1.0, 2.0, 4.0, 3.0]))

    def octave(f):
        return float(rising.charge(f, 1.0)[0]) * 2 * np.pi * np.log(2) * f**2

    for f, charge in zip(FREQUENCY, rising.octave, strict=True):
        assert octave(f) == pytest.approx(charge)
    assert octave(np.sqrt(0.01 * 0.05)) == pytest.approx(1.5)
    assert octave(1e-4) == pytest.approx(1.0) and octave(0.9) == pytest.approx(3.0)


def test_stored_numbers_come_back():
    stored = {"frequency": [0.1, 0.2], "octave": [1, 3], "excess": 2}
    found = Sensitivity.from_dict("ssim", stored)
    assert (found.metric, found.excess) == ("ssim", 2.0)
    np.testing.assert_array_equal(found.octave, [1.0, 3.0])


@pytest.mark.parametrize(
    ("frequency", "octave", "excess", "message"),
    [
        ([0.1, 0.2], [1.0], 1.0, "one charge a frequency"),
        ([0.2, 0.1], [1.0, 1.0], 1.0, "rising"),
        ([0.1, 0.1], [1.0, 1.0], 1.0, "rising"),
        ([0.1, 0.2], [1.0, -1.0], 1.0, "no charge negative"),
        ([0.1, 0.2], [1.0, 1.0], 0.0, "excess = 0"),
        ([0.1, 0.2], [1.0, 1.0], np.inf, "excess = inf"),
        ([0.1, 0.2], [1.0, 1.0], np.nan, "excess = nan"),
    ],
)
def test_what_is_no_sensitivity_is_refused(frequency, octave, excess, message):
    with pytest.raises(ToolkitError, match=message):
        Sensitivity("m", np.array(frequency), np.array(octave), excess)
