"""The solvable case: the exact chain against a sampler that draws real noise, and against its limits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import TimestepError, ToolkitError
from theory.gaussian import Chain, ancestral_std, flow_limit, follow_chain, posterior_limit, psnr, run_chain
from theory.gaussian.chain import wiener_gain
from theory.schedules import NoiseSchedule

etas = st.floats(0, 1)
powers = st.floats(-6, 3).map(lambda x: 10.0**x)


def falling(top, steps):
    return np.append(np.geomspace(top, 1e-3 * top, steps), 0.0)


def vp_step(x, x0, alpha_bar, alpha_bar_next, eta, noise):
    """DDIM eq. 12 and 16 of Song et al. 2021, in its own variance-preserving coordinates."""
    std = eta * np.sqrt((1 - alpha_bar_next) / (1 - alpha_bar)) * np.sqrt(1 - alpha_bar / alpha_bar_next)
    predicted = (x - np.sqrt(alpha_bar) * x0) / np.sqrt(1 - alpha_bar)
    return np.sqrt(alpha_bar_next) * x0 + np.sqrt(1 - alpha_bar_next - std**2) * predicted + std * noise


@pytest.mark.parametrize(("steps", "eta"), [(1, 0.0), (3, 0.0), (10, 0.5), (10, 1.0)])
def test_chain_is_what_a_sampler_does(steps, eta):
    rng = np.random.default_rng(0)
    psd, transfer, added = np.array([30.0, 1.0, 0.1, 1e-3]), np.array([1.0, 0.7, 0.2, 0.0]), 0.01
    sigmas, draws = falling(0.8, steps), 400_000
    x = np.sqrt(psd) * rng.standard_normal((draws, 4))
    lr_up = transfer * x + np.sqrt(added) * rng.standard_normal(x.shape)
    state = lr_up + sigmas[0] * rng.standard_normal(x.shape)
    for sigma, nxt in itertools.pairwise(sigmas):
        x0 = psd / (psd + sigma**2) * state
        if nxt == 0:
            state = x0
            continue
        bar, bar_next = 1 / (1 + sigma**2), 1 / (1 + nxt**2)
        moved = vp_step(np.sqrt(bar) * state, x0, bar, bar_next, eta, rng.standard_normal(x.shape))
        state = moved / np.sqrt(bar_next)
    chain = run_chain(sigmas, psd, eta)
    tolerance = 5 * np.sqrt(2 / draws)  # five standard errors of a variance
    np.testing.assert_allclose(np.mean(state**2, 0), chain.output_power(transfer, psd, added), rtol=tolerance)
    error = np.mean((state - x) ** 2, 0)
    np.testing.assert_allclose(error, chain.squared_error(transfer, psd, added), rtol=tolerance)
    correlation = [np.corrcoef(state[:, i], x[:, i])[0, 1] for i in range(3)]
    known = [np.corrcoef(lr_up[:, i], x[:, i])[0, 1] for i in range(3)]
    inherited = chain.inherited(transfer, psd, added)[:3]
    np.testing.assert_allclose(correlation, inherited * known, atol=5 / np.sqrt(draws))


@settings(deadline=None, max_examples=20)
@given(sigma=st.floats(0.05, 5), steps=st.integers(1, 8), eta=etas)
def test_paths_add_up_to_the_moments(sigma, steps, eta):
    # A path is linear in the state and in each step's noise: unit inputs give every coefficient of the sum.
    psd, sigmas = np.array([30.0, 1.0, 1e-3]), falling(sigma, steps)
    nothing = [np.zeros(3)] * steps
    chain = run_chain(sigmas, psd, eta)
    np.testing.assert_allclose(follow_chain(sigmas, psd, eta, np.ones(3), nothing), chain.gain)
    units = [[np.ones(3) * (k == drawn) for k in range(steps)] for drawn in range(steps)]
    shares = [follow_chain(sigmas, psd, eta, np.zeros(3), noises) for noises in units]
    np.testing.assert_allclose(np.sum(np.square(shares), axis=0), chain.variance, rtol=1e-10, atol=1e-300)


def test_a_path_refuses_too_little_noise_and_what_is_no_list_of_steps():
    with pytest.raises(ToolkitError, match="more noise than was given"):
        follow_chain(falling(1.0, 3), np.ones(2), 1.0, np.ones(2), [np.ones(2)])
    with pytest.raises(TimestepError, match="must fall"):
        follow_chain([0.1, 0.5, 0.0], np.ones(2), 0.0, np.ones(2), [])


@settings(deadline=None, max_examples=15)
@given(psd=powers, sigma=st.floats(0.01, 10))
def test_many_steps_reach_the_limits(psd, sigma):
    levels = np.append(np.geomspace(sigma, 1e-4 * min(sigma, psd**0.5), 2000), 0.0)
    flow, ancestral = run_chain(levels, psd, 0.0), run_chain(levels, psd, 1.0)
    assert float(flow.gain) == pytest.approx(float(flow_limit(sigma, psd).gain), rel=5e-3)
    assert float(flow.variance) == 0
    limit = posterior_limit(sigma, psd)
    assert float(ancestral.gain) == pytest.approx(float(limit.gain), rel=0.02)
    assert float(ancestral.variance) == pytest.approx(float(limit.variance), rel=0.02)


@settings(deadline=None, max_examples=100)
@given(psd=powers, sigma=st.floats(0.01, 10))
def test_flow_limit_has_the_closed_forms(psd, sigma):
    r = psd / sigma**2
    flow = flow_limit(sigma, psd)
    assert float(flow.squared_error(1.0, psd)) == pytest.approx(
        2 * psd * (1 - np.sqrt(r / (1 + r))), rel=1e-6, abs=1e-12 * psd
    )
    assert float(flow.squared_error(0.0, psd)) == pytest.approx(psd + psd / (1 + r))
    assert float(flow.output_power(0.0, psd)) == pytest.approx(psd / (1 + r))
    deficit = (np.sqrt(psd) - np.sqrt(psd / (1 + r))) ** 2
    assert float(flow.frechet_deficit(0.0, psd)) == pytest.approx(deficit, abs=1e-12 * psd)
    assert float(flow.frechet_deficit(1.0, psd)) == pytest.approx(0, abs=1e-12 * psd)
    mmse = psd / (1 + r)
    assert float(posterior_limit(sigma, psd).squared_error(1.0, psd)) == pytest.approx(2 * mmse)


@settings(deadline=None, max_examples=100)
@given(psd=powers, sigma=st.floats(0.01, 10), eta=etas, steps=st.integers(1, 30))
def test_a_true_noised_image_never_gains_power(psd, sigma, eta, steps):
    # The ideal chain started from the true state contracts: it never makes more power than the prior has.
    power = run_chain(falling(sigma, steps), psd, eta).output_power(1.0, psd)
    assert 0 <= float(power) <= psd * (1 + 1e-9)


def test_one_step_is_the_denoiser():
    chain = run_chain([2.0, 0.0], np.array([1.0, 4.0]))
    np.testing.assert_allclose(chain.gain, [0.2, 0.5])
    np.testing.assert_allclose(chain.gain, wiener_gain(2.0, [1.0, 4.0]))
    np.testing.assert_array_equal(chain.variance, 0)


@settings(deadline=None, max_examples=100)
@given(high=st.floats(0.01, 50), share=st.floats(1e-3, 0.999), eta=etas)
def test_fresh_noise_is_diffusers_ddim_variance(high, share, eta):
    low = share * high
    bar, bar_next = 1 / (1 + high**2), 1 / (1 + low**2)
    ddim = eta**2 * (1 - bar_next) / (1 - bar) * (high**2 - low**2) / (1 + high**2)
    assert float(ancestral_std(high, low, eta)) ** 2 == pytest.approx(ddim / bar_next, rel=1e-6)


def test_chain_of_a_schedules_own_levels():
    schedule = NoiseSchedule.linear()
    sigmas = np.append(schedule.sigma(np.arange(200.0, -1, -1)), 0)
    power = run_chain(sigmas, 1e-2).output_power(0.0, 1e-2)
    assert float(power) == pytest.approx(1e-2 / (1 + schedule.snr(200) * 1e-2), rel=0.05)


def test_repeated_levels_change_nothing():
    psd = np.array([0.1, 1.0])
    once, twice = run_chain([1.0, 0.5, 0.0], psd, 0.7), run_chain([1.0, 0.5, 0.5, 0.0], psd, 0.7)
    np.testing.assert_allclose(once.gain, twice.gain)
    np.testing.assert_allclose(once.variance, twice.variance)


def test_psnr_of_images_in_minus_one_to_one():
    assert float(psnr(4.0)) == 0 and float(psnr(0.04)) == pytest.approx(20)


def test_nothing_inherited_from_nothing():
    assert float(Chain(1.0, np.array(0.0), np.array(0.0)).inherited(0.0, 1.0)) == 0


@pytest.mark.parametrize(
    "sigmas", [[1.0], [], [1.0, 2.0], [1.0, -0.1], [1.0, 0.0, 0.0], [np.inf, 0.0], [[1.0, 0.0]]]
)
def test_bad_levels_are_refused(sigmas):
    with pytest.raises(TimestepError, match="sigmas = "):
        run_chain(sigmas, 1.0)


@pytest.mark.parametrize(("samples", "left"), [(1, 2.0), (2, 0.0), (3, 2 / 3), (4, 0.0)])
def test_averaging_antithetic_restorations(samples, left):
    rng = np.random.default_rng(0)
    chain = run_chain([2.0, 1.0, 0.3, 0.0], np.array([1.0, 4.0]), 0.8)
    mean = chain.averaged(samples)
    np.testing.assert_array_equal(mean.gain, chain.gain)
    assert float(mean.sigma) == pytest.approx(left)
    draws = 200_000
    noise = rng.standard_normal((samples, draws, 2))
    paired = samples // 2 * 2
    noise[1:paired:2] = -noise[0:paired:2]
    fresh = np.sqrt(chain.variance) * rng.standard_normal(noise.shape)
    result = (chain.gain * (5.0 + 2.0 * noise) + fresh).mean(0)
    expected = mean.gain**2 * mean.sigma**2 + mean.variance
    np.testing.assert_allclose(result.var(0), expected, rtol=5 * np.sqrt(2 / draws))


def test_no_restorations_have_no_mean():
    with pytest.raises(ToolkitError, match="samples = 0"):
        run_chain([1.0, 0.0], 1.0).averaged(0)


@pytest.mark.parametrize("eta", [-0.1, 1.1, np.nan])
def test_bad_eta_is_refused(eta):
    with pytest.raises(ToolkitError, match=f"eta = {eta}"):
        run_chain([1.0, 0.0], 1.0, eta)
