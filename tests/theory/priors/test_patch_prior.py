"""The discrete prior: posterior by hand, quadrature in one dimension, and no bound ever violated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from helpers.quadrature import quadrature
from theory.bounds import Mismatch
from theory.degradation import cubic_weights
from theory.errors import SpectrumError
from theory.priors import GaussianMixture, PatchPrior
from theory.schedules import NoiseSchedule

SCHEDULES = [
    NoiseSchedule.linear(),
    NoiseSchedule.scaled_linear(),
    NoiseSchedule.cosine(),
    NoiseSchedule.sigmoid(),
    NoiseSchedule.flow_matching(),
    NoiseSchedule.karras(),
    NoiseSchedule.exponential(),
]


def prior(n: int = 30, d: int = 4, seed: int = 0) -> PatchPrior:
    return PatchPrior(np.random.default_rng(seed).uniform(-1, 1, (n, d)))


def as_mixture(law: PatchPrior) -> GaussianMixture:
    n, d = law.patches.shape
    return GaussianMixture(np.ones(n), law.patches, np.zeros((n, d, d)))


def test_posterior_is_bayes_rule():
    law, sigma = prior(), 0.4
    x = np.random.default_rng(1).standard_normal((7, 4))
    likelihood = np.stack([multivariate_normal(p, sigma**2).pdf(x) for p in law.patches], axis=1)
    np.testing.assert_allclose(law.weights(x, sigma), likelihood / likelihood.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(law.log_density(x, sigma), np.log(likelihood.mean(axis=1)))
    expected = likelihood @ law.patches / likelihood.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(law.denoise(x, sigma), expected)


@pytest.mark.parametrize("snr", [1e-3, 0.1, 1.0, 10.0, 100.0])
def test_agrees_with_the_same_law_as_a_mixture(snr):
    # Another estimator of every number, from other draws.
    law = prior(12, 2)
    degraded = PatchPrior(0.6 * law.patches)
    other, other_degraded = as_mixture(law), as_mixture(degraded)
    for ours, theirs in (
        (law.kl(degraded, snr, 60), other.kl(other_degraded, snr, 20_000)),
        (law.tv(degraded, snr, 60), other.tv(other_degraded, snr, 20_000)),
        (law.mmse(snr, None, 60), other.mmse(snr, None, 20_000)),
        (law.mmse(snr, degraded, 60), other.mmse(snr, 0.6 * np.eye(2), 20_000)),
        (law.information(snr, 60), other.information(snr, 20_000)),
    ):
        assert abs(ours.value - theirs.value) < 4.5 * np.hypot(ours.std_error, theirs.std_error) + 1e-9


def test_quadrature_in_one_dimension():
    law = prior(5, 1)
    degraded = PatchPrior(0.5 * law.patches)
    for snr in (0.1, 2.0, 40.0):
        exact = quadrature(as_mixture(law), as_mixture(degraded), snr)
        for name, estimate in (
            ("kl", law.kl(degraded, snr, 1500)),
            ("tv", law.tv(degraded, snr, 1500)),
            ("mmse", law.mmse(snr, None, 1500)),
            ("information", law.information(snr, 1500)),
        ):
            assert abs(estimate.value - exact[name]) < 4.5 * estimate.std_error + 1e-6, name


@pytest.mark.parametrize("sigma", [0.05, 0.3, 1.0])
def test_a_posterior_sample_errs_by_twice_the_mmse(sigma):
    law, rng = prior(40, 3), np.random.default_rng(2)
    index = np.tile(np.arange(40), 500)
    state = law.patches[index] + sigma * rng.standard_normal((len(index), 3))
    drawn = law.sample_posterior(state, sigma, rng)
    error = np.sum((law.patches[drawn] - law.patches[index]) ** 2, axis=1)
    mmse = law.mmse(sigma**-2, None, 200)
    assert abs(error.mean() - 2 * mmse.value) < 4 * np.hypot(
        error.std() / len(error) ** 0.5, 2 * mmse.std_error
    )
    # And a sample of the posterior of an original is a sample of the prior.
    counts = np.bincount(drawn, minlength=40)
    assert np.abs(counts / 500 - 1).max() < 5 / 500**0.5


@pytest.mark.parametrize("snr", [0.02, 0.5, 4.0])
def test_information_grows_by_half_the_mmse(snr):
    law = prior(25, 3)
    ends = [law.information(factor * snr, 400) for factor in (0.95, 1.05)]
    slope = (ends[1].value - ends[0].value) / (0.1 * snr)
    # Common random numbers: the difference scatters less than either end.
    assert slope == pytest.approx(law.mmse(snr, None, 400).value / 2, rel=0.05)


def test_limits():
    law = prior(20, 3)
    assert law.information(1e6).value == pytest.approx(np.log(20)) == law.entropy
    assert law.mmse(1e6).value < 1e-9
    power = np.sum((law.patches - law.patches.mean(axis=0)) ** 2) / 20
    assert law.mmse(1e-6).value == pytest.approx(power, rel=1e-4)
    assert law.kl(law, 3.0).value == 0 == law.tv(law, 3.0).value
    assert law.information(1e-6).value == pytest.approx(0.5e-6 * power, rel=1e-3)


def test_a_better_coupling_bounds_the_kl_better():
    # Degraded versions that swapped places: the law is the same, the own coupling's bound is not.
    law = prior(20, 3)
    swapped = PatchPrior(law.patches[::-1] * 0.99)
    energy = np.mean(np.sum((law.patches - swapped.patches) ** 2, axis=1))
    coupled = 1e-4 * np.mean(np.sum(law.patches**2, axis=1))
    for snr in (1.0, 100.0, 1e4):
        kl = law.kl(swapped, snr, 20)
        assert kl.value <= snr * coupled / 2 + 5 * kl.std_error < snr * energy / 2


@st.composite
def laws(draw):
    """A small discrete law, degraded by a matrix, a change of scale, or a nonlinear channel."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n, d = draw(st.integers(4, 20)), draw(st.integers(2, 6))
    patches = np.clip(rng.standard_normal((n, d)) * 10 ** rng.uniform(-1.5, 0, (n, 1)), -1, 1)
    kind = draw(st.sampled_from(["matrix", "scale", "quantise", "collapse"]))
    if kind == "scale":
        small = draw(st.integers(1, d))
        degraded = patches @ (cubic_weights(small, d) @ cubic_weights(d, small)).T
    else:
        matrix = np.eye(d) + 0.4 * rng.standard_normal((d, d))
        degraded = {
            "matrix": patches @ matrix.T,
            "quantise": np.rint(3 * patches) / 3,
            "collapse": 0 * patches,
        }[kind]
    schedule = draw(st.sampled_from(SCHEDULES))
    t = schedule.t_min + draw(st.floats(0.01, 0.97)) * (schedule.t_max - schedule.t_min)
    return PatchPrior(patches), PatchPrior(degraded), schedule.snr(t)


@settings(deadline=None, max_examples=150)
@given(case=laws())
def test_no_discrete_law_violates_a_bound(case):
    law, degraded, snr = case
    bounds = Mismatch.from_operator(lambda _: degraded.patches, samples=law.patches).bounds(snr)
    for name, truth in (
        ("kl", law.kl(degraded, snr, 8)),
        ("tv", law.tv(degraded, snr, 8)),
        ("mmse", law.mmse(snr, None, 8)),
        ("restoration_mmse", law.mmse(snr, degraded, 8)),
        ("information", law.information(snr, 8)),
        ("restoration_information", degraded.information(snr, 8)),
    ):
        bound = float(getattr(bounds, name))
        # 6 standard errors of a mean over 8 pairs a patch, which may themselves be underestimated by rare draws.
        assert truth.value <= bound * 1.02 + 6 * truth.std_error + 1e-9, name


def test_common_random_numbers_make_smooth_curves():
    law = prior(30, 4)
    degraded = PatchPrior(0.5 * law.patches)
    kl = np.array([law.kl(degraded, snr).value for snr in np.geomspace(1, 50, 30)])
    assert np.all(np.diff(kl) > 0)


@pytest.mark.parametrize("bad", [np.zeros(4), np.zeros((1, 4)), np.full((3, 2), np.nan)])
def test_what_is_no_prior_is_refused(bad):
    with pytest.raises(SpectrumError, match="patches"):
        PatchPrior(bad)


def test_degraded_patches_must_match():
    with pytest.raises(SpectrumError, match="match"):
        prior(5, 2).kl(prior(6, 2), 1.0)
