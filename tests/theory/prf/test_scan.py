"""The search for a field's ends and optimum, on curves whose answers are known in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from theory.prf.scan import WIDEST, Curves, ScannedField, scanned_critical_scale


@dataclass(frozen=True, eq=False, kw_only=True)
class Logistic(ScannedField):
    """R rises and L falls along a logistic curve of log-SNR; the criterion is a quartic well."""

    rise: float = 2.0
    fall: float = -3.0
    best: float = 0.5

    def curves(self, log_snr):
        x = np.ravel(np.asarray(log_snr, dtype=np.float64))
        return Curves(expit(x - self.rise), expit(self.fall - x), (x - self.best) ** 2 + (x - self.best) ** 4)


def field(**changes):
    options = {"scale": (2.0, 2.0), "eps_realism": 0.1, "eps_signature": 0.1, "log_snr_range": WIDEST}
    return Logistic(**(options | changes))


inside = st.floats(-12, 18)
tolerances = st.floats(0.01, 0.9)


@settings(deadline=None, max_examples=100)
@given(rise=inside, fall=inside, best=st.floats(-19, 25), eps_r=tolerances, eps_l=tolerances)
def test_ends_and_optimum_are_the_closed_form(rise, fall, best, eps_r, eps_l):
    found = field(rise=rise, fall=fall, best=best, eps_realism=eps_r, eps_signature=eps_l)
    assert found.log_snr_low == pytest.approx(rise + logit(eps_r), abs=1e-8)
    assert found.log_snr_high == pytest.approx(fall - logit(eps_l), abs=1e-8)
    assert found.log_snr_opt == pytest.approx(best, abs=1e-4)
    is_open = found.log_snr_high <= found.log_snr_low
    assert (found.excess_loss <= 1e-9) == is_open or found.log_snr_high == pytest.approx(found.log_snr_low)


@pytest.mark.parametrize("points", [9, 25, 200])
def test_the_scan_s_grid_leaves_no_trace(points):
    coarse, fine = field(grid_points=points), field()
    for name in ("log_snr_low", "log_snr_high", "log_snr_opt"):
        assert getattr(coarse, name) == pytest.approx(getattr(fine, name), abs=1e-4)


def test_tolerances_that_are_met_everywhere_or_nowhere():
    assert field(rise=100).log_snr_low == np.inf
    assert field(rise=-100).log_snr_low == -np.inf and field(rise=-100).excess_loss == 1
    assert field(fall=100).log_snr_high == np.inf
    assert field(fall=-100).log_snr_high == -np.inf


def test_realism_that_is_met_everywhere_is_judged_by_the_least_noise_searched():
    assert field(rise=100, fall=5).excess_loss == pytest.approx(expit(5 - WIDEST[1]) - 0.1)
    assert field(rise=100, fall=30).excess_loss > 0


def test_nothing_is_missing_at_scale_one_only():
    assert field(scale=(1.0, 1.0)).nothing_is_missing and field(scale=(1.0, 1.0)).log_snr_opt == np.inf
    assert not field(scale=(1.0, 1.5)).nothing_is_missing


def test_an_optimum_at_the_end_of_the_search_is_found_there():
    assert field(best=-100).log_snr_opt == pytest.approx(WIDEST[0], abs=1e-4)
    assert field(best=100).log_snr_opt == pytest.approx(WIDEST[1], abs=1e-4)


def test_curves_keep_the_shape_of_what_was_asked():
    snr = np.exp(np.linspace(-3, 3, 12)).reshape(3, 4)
    assert field().realism_deficit(snr).shape == field().signature_loss(snr).shape == (3, 4)
    assert field().realism_deficit(np.exp(2.0)) == pytest.approx(0.5)
    assert field().signature_loss(np.exp(-3.0)) == pytest.approx(0.5)


def test_of_several_crossings_the_last_one_bounds_realism():
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Wave(Logistic):
        def curves(self, log_snr):
            x = np.ravel(np.asarray(log_snr, dtype=np.float64))
            return Curves(0.5 + 0.5 * np.sin(np.pi * x / 8), expit(-x), x**2)

    wave = Wave(
        scale=(2.0, 2.0), eps_realism=0.5, eps_signature=0.1, log_snr_range=(-20.0, 20.0), grid_points=81
    )
    assert wave.log_snr_low == pytest.approx(16, abs=1e-8)


@settings(deadline=None, max_examples=50)
@given(critical=st.floats(1.3, 40), largest=st.integers(64, 512))
def test_the_critical_scale_is_where_the_field_closes(critical, largest):
    # R = 0.1 at `rise` - log 9, so that L there meets its tolerance where rise - fall = 2 log 9: at `critical`.
    def closing(scale):
        return field(scale=scale, rise=2 * np.log(9) - 3.0 + np.log(critical / scale.y))

    assert scanned_critical_scale(closing, largest) == pytest.approx(critical, rel=2e-3)


def test_a_field_that_never_opens_or_never_closes_has_the_search_s_ends():
    assert scanned_critical_scale(lambda scale: field(scale=scale, rise=-5.0), 64) == 1.0
    assert scanned_critical_scale(lambda scale: field(scale=scale, rise=9.0), 64) == 64.0
