"""Bounds: never violated where everything is known exactly, tight where they claim equality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from theory.bounds import (
    edit_bound,
    fano_bound,
    gaussian_kl,
    gaussian_tv,
    information_bound,
    kl_bound,
    mmse_bound,
    residual_energy,
    restoration_mmse_bound,
    sdedit_bound,
    tv_bound,
    tv_coupling_bound,
    w2_bound,
    w2_least,
)
from theory.degradation import transfer
from theory.errors import ToolkitError
from theory.gaussian import flow_limit, posterior_limit, run_chain
from theory.schedules import NoiseSchedule

SCHEDULES = [
    NoiseSchedule.linear(),
    NoiseSchedule.scaled_linear(),
    NoiseSchedule.cosine(),
    NoiseSchedule.sigmoid(),
    NoiseSchedule.flow_matching(),
    NoiseSchedule.karras(),
    NoiseSchedule.exponential(),
    NoiseSchedule.from_alphas_cumprod([0.9, 0.5, 0.1]),
]


@st.composite
def cases(draw):
    """A random spectrum, what a scale keeps of it, folded power, and the SNR of a random timestep."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    f = np.linspace(1 / 64, 0.5, 40)
    psd = 10 ** draw(st.floats(-5, 0)) * f ** -draw(st.floats(0, 4)) * rng.lognormal(0, 1, f.size)
    gain = transfer(f, 0.0, draw(st.floats(1, 16)))
    added = draw(st.sampled_from([0.0, 0.3])) * gain * psd * rng.uniform(size=f.size)
    schedule = draw(st.sampled_from(SCHEDULES))
    t = schedule.t_min + draw(st.floats(0.001, 0.999)) * (schedule.t_max - schedule.t_min)
    return psd, gain, added, schedule.snr(t)


@settings(deadline=None, max_examples=300)
@given(case=cases())
def test_mismatch_never_exceeds_its_bounds(case):
    psd, gain, added, snr = case
    energy = residual_energy(gain, psd, added)
    kl = float(gaussian_kl(snr, gain, psd, added))
    assert -1e-9 <= kl <= float(kl_bound(snr, energy)) * (1 + 1e-9) + 1e-12
    degraded = gain**2 * psd + added
    w2 = np.sqrt(np.sum((np.sqrt(psd + 1 / snr) - np.sqrt(degraded + 1 / snr)) ** 2))
    assert w2 <= float(w2_bound(energy)) * (1 + 1e-6) + 1e-6 * np.sqrt(np.sum(psd + 1 / snr))
    assert w2 == pytest.approx(float(w2_least(snr, psd, degraded)), rel=1e-3, abs=1e-6 / np.sqrt(snr))
    tv = gaussian_tv(degraded + 1 / snr, psd + 1 / snr, samples=400)
    assert tv.value <= float(tv_coupling_bound(snr, energy)) + 5 * tv.std_error + 0.01


@settings(deadline=None, max_examples=100)
@given(case=cases(), eta=st.floats(0, 1), steps=st.integers(1, 12))
def test_no_restoration_beats_the_mmse(case, eta, steps):
    psd, gain, added, snr = case
    sigma = snr**-0.5
    floor = float(restoration_mmse_bound(snr, gain, psd, added))
    levels = np.append(np.geomspace(sigma, 0.01 * sigma, steps), 0.0)
    for chain in (flow_limit(sigma, psd), posterior_limit(sigma, psd), run_chain(levels, psd, eta)):
        assert np.sum(chain.squared_error(gain, psd, added)) >= floor * (1 - 1e-6)
    assert floor >= float(mmse_bound(snr, psd)) * (1 - 1e-9)


@settings(deadline=None, max_examples=100)
@given(case=cases())
def test_a_channel_only_contracts(case):
    # Data processing: the restored law is no farther from the data's than the injected states were.
    psd, gain, added, snr = case
    before = float(gaussian_kl(snr, gain, psd, added))
    for chain in (flow_limit(snr**-0.5, psd), posterior_limit(snr**-0.5, psd)):
        q = chain.output_power(gain, psd, added) / psd
        after = 0.5 * np.sum(q - 1 - np.log(q))
        assert after <= before * (1 + 1e-6) + 1e-9
    q_flow = flow_limit(snr**-0.5, psd).output_power(gain, psd, added) / psd
    kept = 0.5 * np.sum(q_flow - 1 - np.log(q_flow))
    assert kept == pytest.approx(before, rel=1e-6, abs=1e-9)  # the probability flow is a bijection


@settings(deadline=None, max_examples=100)
@given(case=cases())
def test_information_is_the_integral_of_half_the_mmse(case):
    psd, _, _, snr = case
    step = 1e-4 * snr
    slope = (information_bound(snr + step, psd) - information_bound(snr - step, psd)) / (2 * step)
    assert float(slope) == pytest.approx(float(mmse_bound(snr, psd)) / 2, rel=1e-5)


def test_mmse_bound_holds_for_data_that_are_not_gaussian():
    # x = +-1 with equal odds has mmse 1 - E tanh(snr + sqrt(snr) n), below the Gaussian's 1 / (1 + snr).
    n = np.linspace(-9, 9, 20001)
    density = np.exp(-(n**2) / 2) / np.sqrt(2 * np.pi)
    for snr in (0.01, 0.3, 1.0, 5.0):
        exact = 1 - np.trapezoid(np.tanh(snr + np.sqrt(snr) * n) * density, n)
        assert 0 < exact < float(mmse_bound(snr, [1.0]))
    assert float(mmse_bound(1e-4, [1.0])) == pytest.approx(1, abs=1e-3)


def test_kl_bound_holds_for_data_that_are_not_gaussian():
    # x = +-1, its degraded version +-h: mixtures of two Gaussians, KL by quadrature.
    y = np.linspace(-12, 12, 40001)

    def law(mean, sigma):
        return sum(np.exp(-((y - m) ** 2) / (2 * sigma**2)) for m in (mean, -mean)) / (
            2 * sigma * np.sqrt(2 * np.pi)
        )

    for sigma in (0.3, 0.7, 2.0):
        for h in (0.0, 0.5, 0.9):
            p, q = law(h, sigma), law(1.0, sigma)
            kl = np.trapezoid(
                np.where(p > 0, p * np.log(np.maximum(p, 1e-300) / np.maximum(q, 1e-300)), 0), y
            )
            bound = float(kl_bound(sigma**-2, (1 - h) ** 2))
            assert kl <= bound
            total_variation = 0.5 * np.trapezoid(np.abs(p - q), y)
            assert total_variation <= float(tv_bound(kl)) + 1e-9 <= float(tv_bound(bound)) + 2e-9


@settings(deadline=None, max_examples=100)
@given(shift=st.floats(1e-3, 20))
def test_total_variation_of_shifted_gaussians(shift):
    exact = float(erf(shift / (2 * np.sqrt(2))))
    bound = float(tv_bound(shift**2 / 2))
    assert exact <= bound <= 1


def test_kl_bound_is_tight_for_a_shift_and_for_little_snr():
    # Lost frequencies: bound / KL tends to a finite factor as snr grows, and KL = r^2 / 4 for small r.
    assert float(gaussian_kl(1e-3, 0.0, 1.0)) == pytest.approx(1e-6 / 4, rel=1e-2)
    assert float(kl_bound(2.0, 3.0)) == 3.0


def test_vectorised_over_snr():
    snr = np.array([[0.1, 1.0], [10.0, 100.0]])
    psd = np.array([1.0, 0.1, 0.01])
    for bound in (mmse_bound(snr, psd), information_bound(snr, psd), gaussian_kl(snr, 0.5, psd)):
        assert bound.shape == (2, 2)
    assert float(mmse_bound(1.0, psd)) == pytest.approx(mmse_bound(snr, psd)[0, 1])


def test_sdedit_by_hand():
    # sigma = 2, C = 3, d = 4, delta = 1/e: 4 (12 + 4 + 2 sqrt(4) + 2) = 88.
    assert float(sdedit_bound(2.0, 3.0, 4, np.exp(-1))) == pytest.approx(88.0)


@pytest.mark.parametrize("delta", [0.5, 0.05])
def test_sdedit_covers_its_share_of_noise(delta):
    # With a score of zero the edit is the injected state: only the noise's chi-square tail remains.
    noise = np.random.default_rng(0).standard_normal((20000, 16))
    moved = np.sum((0.7 * noise) ** 2, axis=1)
    assert np.mean(moved <= float(sdedit_bound(0.7, 0.0, 16, delta))) >= 1 - delta


@pytest.mark.parametrize("bad", [(-1.0, 4, 0.1), (1.0, 0, 0.1), (1.0, 4, 0.0), (1.0, 4, 1.0)])
def test_sdedit_refuses_bad_constants(bad):
    with pytest.raises(ToolkitError, match="delta"):
        sdedit_bound(1.0, *bad)


@settings(deadline=None, max_examples=200)
@given(snr=st.floats(1e-6, 1e6), energy=st.floats(1e-6, 1e3))
def test_the_coupling_bounds_total_variation_better_than_kl_does(snr, energy):
    direct = float(tv_coupling_bound(snr, energy))
    assert 0 <= direct <= float(tv_bound(kl_bound(snr, energy))) * (1 + 1e-12)


def test_the_coupling_bound_is_exact_for_one_pair_and_falls_with_jensen():
    assert float(tv_coupling_bound(4.0, 9.0)) == pytest.approx(erf(3 * 2 / (2 * np.sqrt(2))))
    energies = np.array([0.01, 1.0, 30.0])
    assert np.mean(tv_coupling_bound(1.0, energies)) < float(tv_coupling_bound(1.0, energies.mean()))


def test_no_factor_can_be_saved_on_the_kl_bound_for_any_data():
    # x = +-1, x~ = 0: KL = snr / 2 - E log cosh(sqrt(snr) n), so bound / KL tends to 1 from above, slowly.
    n = np.linspace(-9, 9, 200001)
    density = np.exp(-(n**2) / 2) / np.sqrt(2 * np.pi)
    ratios = []
    for snr in (1e1, 1e3, 1e5):
        y = np.sqrt(snr) * n
        log_cosh = np.abs(y) + np.log1p(np.exp(-2 * np.abs(y))) - np.log(2)
        ratios.append(float(kl_bound(snr, 1.0)) / (snr / 2 - np.trapezoid(log_cosh * density, n)))
    assert ratios[0] > ratios[1] > ratios[2] > 1
    assert ratios[2] == pytest.approx(1, abs=6e-3)


def test_fano_by_hand():
    # A channel that tells everything of 8 classes, one that tells nothing, and a binary symmetric channel.
    assert float(fano_bound(np.log(8), 8)) == 1
    assert 1 / 8 <= float(fano_bound(0.0, 8)) == pytest.approx(1 / 3)
    told = np.log(2) + 0.9 * np.log(0.9) + 0.1 * np.log(0.1)
    assert float(fano_bound(told, 2)) >= 0.9
    with pytest.raises(ToolkitError, match="at least 2"):
        fano_bound(1.0, 1)


def test_an_edit_outruns_sdedits_bound_but_not_the_corrected_one():
    # Wide Gaussian: the score on the way is nearly 0, and injection and reverse SDE each add sigma^2 a value.
    rng, d, sigma, delta = np.random.default_rng(0), 1000, 0.5, 0.05
    psd = np.full(d, 1e4)
    chain = posterior_limit(sigma, psd)
    guide, up, down = rng.standard_normal((3, 500, d))
    guide *= 100
    edit = chain.gain * (guide + sigma * up) + np.sqrt(chain.variance) * down
    moved = np.sum((edit - guide) ** 2, axis=1)
    # A score of ten times its root mean square on this path, d / S, is not met.
    constant = 100 * d / 1e4
    assert np.mean(moved) == pytest.approx(2 * d * sigma**2, rel=0.01)
    assert np.mean(moved <= float(sdedit_bound(sigma, constant, d, delta))) == 0
    assert np.mean(moved <= float(edit_bound(sigma, constant, d, delta))) >= 1 - delta


def test_edit_bound_by_hand():
    # sigma = 2, C = 9, d = 4, delta = 1/e: (3 * 4 + 2 sqrt(2 * 10))^2.
    assert float(edit_bound(2.0, 9.0, 4, np.exp(-1))) == pytest.approx((12 + 2 * np.sqrt(20)) ** 2)
    with pytest.raises(ToolkitError, match="delta"):
        edit_bound(1.0, 1.0, 4, 2.0)
