"""Gaussian mixtures: posterior against brute force, Monte Carlo against quadrature, bounds against both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.quadrature import quadrature
from theory.bounds import Mismatch, gaussian_kl, information_bound, mmse_bound
from theory.errors import SpectrumError
from theory.priors import GaussianMixture
from theory.schedules import NoiseSchedule


def random_mixture(rng: np.random.Generator, k: int, d: int) -> GaussianMixture:
    factor = rng.standard_normal((k, d, d)) * rng.uniform(0.05, 0.7, (k, 1, 1))
    return GaussianMixture(
        rng.uniform(0.1, 1, k), rng.uniform(-1, 1, (k, d)), factor @ factor.transpose(0, 2, 1)
    )


def test_denoiser_and_posterior_variance_are_derivatives_of_the_log_density():
    # Tweedie: D = x + sigma^2 grad log p, variance = sigma^2 tr(dD/dx).
    law, sigma, step = random_mixture(np.random.default_rng(0), 3, 2), 0.6, 1e-4
    x = np.random.default_rng(1).standard_normal((5, 2))
    gradient, jacobian = np.empty((5, 2)), np.empty((5, 2, 2))
    for j in range(2):
        e = step * np.eye(2)[j]
        gradient[:, j] = (law.log_density(x + e, sigma) - law.log_density(x - e, sigma)) / (2 * step)
        jacobian[:, :, j] = (law.denoise(x + e, sigma) - law.denoise(x - e, sigma)) / (2 * step)
    np.testing.assert_allclose(law.denoise(x, sigma), x + sigma**2 * gradient, atol=1e-7)
    variance = sigma**2 * np.trace(jacobian, axis1=1, axis2=2)
    np.testing.assert_allclose(law.posterior(x, sigma)[1], variance, atol=1e-7)


def test_posterior_given_an_operator_by_importance_sampling():
    rng = np.random.default_rng(2)
    law, p, sigma = random_mixture(rng, 2, 2), rng.standard_normal((2, 2)), 0.8
    y = np.array([[0.3, -0.5]])
    x = law.sample(400_000, rng)
    weight = np.exp(-np.sum((y - x @ p.T) ** 2, axis=1) / (2 * sigma**2))
    mean = weight @ x / weight.sum()
    variance = weight @ np.sum((x - mean) ** 2, axis=1) / weight.sum()
    found, trace = law.posterior(y, sigma, p)
    np.testing.assert_allclose(found[0], mean, atol=6e-3)
    assert trace[0] == pytest.approx(variance, rel=0.02)


def test_samples_have_the_moments():
    law = random_mixture(np.random.default_rng(3), 3, 2)
    x = law.sample(200_000, np.random.default_rng(4))
    np.testing.assert_allclose(x.mean(axis=0), law.mean(), atol=0.01)
    np.testing.assert_allclose(np.cov(x.T), law.covariance(), atol=0.02)


def test_a_posterior_sample_errs_by_twice_the_mmse():
    law, rng, sigma = random_mixture(np.random.default_rng(5), 3, 3), np.random.default_rng(6), 0.7
    x = law.sample(60_000, rng)
    drawn = law.sample_posterior(x + sigma * rng.standard_normal(x.shape), sigma, rng)
    error = np.sum((drawn - x) ** 2, axis=1)
    mmse = law.mmse(sigma**-2, samples=60_000)
    assert abs(error.mean() - 2 * mmse.value) < 4 * (error.std() / 60_000**0.5 + 2 * mmse.std_error)
    np.testing.assert_allclose(np.cov(drawn.T), law.covariance(), atol=0.02)


def test_one_component_is_the_gaussian_case():
    psd, gain = np.array([2.0, 0.3]), np.array([0.9, 0.1])
    law = GaussianMixture(np.ones(1), np.zeros((1, 2)), np.diag(psd)[None])
    degraded = law.transformed(np.diag(gain))
    for snr in (0.01, 1.0, 30.0):
        kl = law.kl(degraded, snr, 20_000)
        assert abs(kl.value - float(gaussian_kl(snr, gain, psd))) < 4 * kl.std_error
        assert law.mmse(snr, samples=10).value == pytest.approx(float(mmse_bound(snr, psd)))
        assert law.information(snr).value == pytest.approx(float(information_bound(snr, psd)))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 4), snr=st.floats(1e-3, 1e3), h=st.floats(-1, 1.5))
def test_monte_carlo_and_bounds_against_quadrature_in_one_dimension(seed, k, snr, h):
    law = random_mixture(np.random.default_rng(seed), k, 1)
    degraded = law.transformed([[h]])
    exact = quadrature(law, degraded, snr)
    for name, estimate in (
        ("kl", law.kl(degraded, snr, seed=seed)),
        ("tv", law.tv(degraded, snr, seed=seed)),
        ("mmse", law.mmse(snr, seed=seed)),
        ("information", law.information(snr, seed=seed)),
    ):
        # 6 standard errors, and what 4000 draws may miss of a rare event.
        assert abs(estimate.value - exact[name]) < 6 * estimate.std_error + 5e-3 * abs(exact[name]) + 2e-3
    bounds = Mismatch.from_operator([[h]], covariance=law.covariance(), mean=law.mean()).bounds(snr)
    for name in ("kl", "tv", "mmse", "information"):
        assert exact[name] <= float(getattr(bounds, name)) * (1 + 1e-6) + 1e-8
    twice = (
        quadrature(law, degraded, 1.001 * snr)["information"]
        - quadrature(law, degraded, 0.999 * snr)["information"]
    )
    assert twice / (0.002 * snr) == pytest.approx(exact["mmse"] / 2, rel=1e-3, abs=1e-7)


SCHEDULES = [
    NoiseSchedule.linear(),
    NoiseSchedule.cosine(),
    NoiseSchedule.flow_matching(),
    NoiseSchedule.karras(),
]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), schedule=st.sampled_from(SCHEDULES), place=st.floats(0.01, 0.95))
def test_no_mixture_violates_a_bound_under_a_random_operator(seed, schedule, place):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(2, 6))
    law, p = random_mixture(rng, int(rng.integers(2, 5)), d), np.eye(d) + rng.standard_normal((d, d)) * 0.4
    snr = schedule.snr(schedule.t_min + place * (schedule.t_max - schedule.t_min))
    bounds = Mismatch.from_operator(p, covariance=law.covariance(), mean=law.mean()).bounds(snr)
    degraded = law.transformed(p)
    for name, truth in (
        ("kl", law.kl(degraded, snr, 1000)),
        ("tv", law.tv(degraded, snr, 1000)),
        ("mmse", law.mmse(snr, None, 1000)),
        ("restoration_mmse", law.mmse(snr, p, 1000)),
        ("information", law.information(snr, 1000)),
    ):
        bound = float(getattr(bounds, name))
        assert truth.value <= bound + 6 * truth.std_error + 2e-3 * bound + 1e-9, name


@pytest.mark.parametrize(
    ("weights", "means", "covariances"),
    [
        ([1.0, 1.0], np.zeros((1, 2)), np.eye(2)[None]),
        ([0.0], np.zeros((1, 2)), np.eye(2)[None]),
        ([1.0], np.zeros((1, 2)), np.eye(3)[None]),
        ([1.0], np.zeros((1, 2)), -np.eye(2)[None]),
        ([1.0], np.full((1, 2), np.nan), np.eye(2)[None]),
    ],
)
def test_what_is_no_mixture_is_refused(weights, means, covariances):
    with pytest.raises(SpectrumError):
        GaussianMixture(np.array(weights), means, covariances)
