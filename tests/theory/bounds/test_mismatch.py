"""All bounds of one input: equal where they must be, never violated by Gaussians under any operator."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.bounds import Mismatch, restoration_mmse_bound
from theory.degradation import Degradation, added_psd, cubic_weights, transfer
from theory.errors import SpectrumError, ToolkitError
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

LAW = PowerLaw(2e-4, 3.0)
SNR = np.geomspace(1e-4, 1e6, 21)


def bures(a: np.ndarray, b: np.ndarray) -> float:
    """Exact W2 of zero-mean Gaussians with these covariances."""
    power, modes = np.linalg.eigh(a)
    root = modes * np.sqrt(np.maximum(power, 0)) @ modes.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ b @ root), 0)).sum()
    return float(np.sqrt(max(np.trace(a) + np.trace(b) - 2 * cross, 0.0)))


@st.composite
def operators(draw):
    """A covariance of rank up to d, a mean, and a random matrix, blur or change of scale."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    d = draw(st.integers(2, 9))
    factor = rng.standard_normal((d, draw(st.integers(1, 2 * d)))) * 10 ** rng.uniform(-1, 1, (d, 1))
    kind = draw(st.sampled_from(["random", "blur", "scale", "identity", "zero"]))
    if kind == "blur":
        distance = np.arange(d)[:, None] - np.arange(d)[None, :]
        p = np.exp(-(distance**2) / (2 * draw(st.floats(0.1, 5)) ** 2))
        p /= p.sum(axis=1, keepdims=True)
    elif kind == "scale":
        small = draw(st.integers(1, d))
        p = cubic_weights(small, d) @ cubic_weights(d, small)
    else:
        p = {"random": rng.standard_normal((d, d)), "identity": np.eye(d), "zero": np.zeros((d, d))}[kind]
    return factor @ factor.T / d, rng.standard_normal(d), p, 10 ** draw(st.floats(-4, 4))


@settings(deadline=None, max_examples=300)
@given(case=operators())
def test_no_gaussian_violates_a_bound_under_any_operator(case):
    cov, mean, p, snr = case
    d, noise = len(cov), np.eye(len(cov)) / snr
    sharp, blurred, gap = cov + noise, p @ cov @ p.T + noise, mean - p @ mean
    bounds = Mismatch.from_operator(p, covariance=cov, mean=mean).bounds(snr)
    inverse = np.linalg.inv(sharp)
    kl = 0.5 * (
        np.trace(inverse @ blurred)
        - d
        + gap @ inverse @ gap
        + np.linalg.slogdet(sharp)[1]
        - np.linalg.slogdet(blurred)[1]
    )
    room = 1e-6 * (1 + abs(np.trace(inverse @ blurred)))
    assert -room <= kl <= float(bounds.kl) + room
    w2 = np.hypot(bures(sharp, blurred), np.linalg.norm(gap))
    room = 1e-5 * np.sqrt(np.trace(sharp) + np.trace(blurred))
    assert float(bounds.w2_least) - room <= w2 <= float(bounds.w2) + room
    power = np.trace(cov)
    mmse = np.trace(cov - cov @ inverse @ cov)
    assert float(bounds.mmse) == pytest.approx(mmse, rel=1e-6, abs=1e-7 * power)
    missed = power - np.trace(cov @ p.T @ np.linalg.solve(blurred, p @ cov))
    assert float(bounds.restoration_mmse) == pytest.approx(missed, rel=1e-6, abs=1e-7 * power)
    told = 0.5 * np.linalg.slogdet(np.eye(d) + snr * cov)[1]
    assert float(bounds.information) == pytest.approx(told, rel=1e-6, abs=1e-9)
    # I(x; z) of a deterministic linear P is exactly that of x~.
    told = 0.5 * np.linalg.slogdet(np.eye(d) + snr * p @ cov @ p.T)[1]
    assert float(bounds.restoration_information) == pytest.approx(told, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("scale", [1.0, 1.6, 2.7, (2.0, 4.0)])
@pytest.mark.parametrize("degradation", [Degradation(), Degradation(1.0, 0.05)])
def test_a_spectrum_gives_the_bounds_of_its_modes(scale, degradation):
    m = Mismatch.from_spectrum(LAW, scale, (12, 16), degradation, channels=3)
    bounds = m.bounds(SNR)
    fy, fx = np.meshgrid(np.fft.fftfreq(12), np.fft.fftfreq(16), indexing="ij")
    radius = np.hypot(fy, fx)
    psd = np.where(radius > 0, LAW(np.where(radius > 0, radius, 1)), 12.0 * 16)
    gain, added = transfer(fy, fx, scale, degradation), added_psd(fy, fx, scale, LAW, degradation)
    expected = 3 * restoration_mmse_bound(SNR, gain.ravel(), psd.ravel(), added.ravel())
    np.testing.assert_allclose(bounds.restoration_mmse, expected, rtol=1e-6)
    assert m.dimension == 3 * 12 * 16 == m.psd.size
    assert m.residual_energy == pytest.approx(3 * np.sum((1 - gain) ** 2 * psd + added))
    if scale == 1.0 and degradation == Degradation():
        assert m.residual_energy == 0
        np.testing.assert_allclose(bounds.tv, 0)


def test_more_scale_loosens_every_mismatch_and_keeps_the_mmse():
    series = [Mismatch.from_spectrum(LAW, s, (32, 32)).bounds(SNR) for s in (1.3, 2.0, 3.7, 8.0)]
    for milder, stronger in pairwise(series):
        assert np.all(stronger.kl > milder.kl) and np.all(stronger.w2 > milder.w2)
        assert np.all(stronger.restoration_mmse >= milder.restoration_mmse)
        np.testing.assert_allclose(stronger.mmse, milder.mmse)
        assert np.all(stronger.restoration_information <= milder.restoration_information)


def test_a_pair_agrees_with_the_spectrum_of_its_image(make_field):
    # A periodic field and its own ideal low-pass: ring averages must find power, survivors and residual.
    rng = np.random.default_rng(0)
    hr = np.stack([make_field(lambda f: 1e-3 * f**-2.0, (64, 64), rng) for _ in range(3)])
    radius = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64)[None, :])
    gain = radius <= 0.2
    lr_up = np.fft.ifft2(np.fft.fft2(hr) * gain).real
    m = Mismatch.from_pair(hr, lr_up)
    assert m.residual_energy == pytest.approx(np.sum((hr - lr_up) ** 2))
    assert np.sum(m.psd) == pytest.approx(np.sum(hr**2))
    assert np.sum(m.degraded) == pytest.approx(np.sum(lr_up**2))
    radius[0, 0] = np.inf
    ideal = 3 * restoration_mmse_bound(SNR, gain.ravel(), (1e-3 * radius**-2).ravel())
    # The two differ by the field's own scatter, and at the cut's ring, which holds both kinds.
    np.testing.assert_allclose(m.bounds(SNR).restoration_mmse, ideal, rtol=0.06)


def test_a_pair_that_is_equal_has_no_mismatch():
    hr = np.random.default_rng(0).uniform(-1, 1, (9, 11))
    bounds = Mismatch.from_pair(hr, hr).bounds(SNR)
    for values in (bounds.kl, bounds.tv, bounds.w2, bounds.w2_least):
        assert np.all(values == 0)
    np.testing.assert_allclose(bounds.restoration_mmse, bounds.mmse, rtol=1e-4, atol=1e-9)


def test_samples_are_a_law_with_their_own_energies_and_entropy():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (40, 6))
    p = rng.standard_normal((6, 6)) / 3
    m = Mismatch.from_operator(p, samples=x)
    same = Mismatch.from_operator(p, covariance=np.cov(x.T, bias=True), mean=x.mean(axis=0))
    assert m.residual_energy == pytest.approx(same.residual_energy)
    a, b = m.bounds(SNR), same.bounds(SNR)
    for name in ("kl", "w2", "mmse", "restoration_mmse"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-6, atol=1e-9)
    assert np.all(a.tv <= b.tv * (1 + 1e-12)) and np.any(a.tv < 0.99 * b.tv)
    assert a.information.max() == pytest.approx(np.log(40)) and b.information.max() > np.log(40)
    called = Mismatch.from_operator(lambda batch: batch @ p.T, samples=x)
    assert called.residual_energy == m.residual_energy


def test_bounds_follow_the_shape_of_the_schedule():
    schedule = NoiseSchedule.cosine()
    snr = schedule.snr(np.array([[1.0, 10.0, 100.0], [300.0, 500.0, 900.0]]))
    bounds = Mismatch.from_spectrum(LAW, 3.0, (8, 8)).bounds(snr)
    assert {np.shape(values) for values in vars(bounds).values()} == {(2, 3)}


@pytest.mark.parametrize("snr", [0.0, -1.0, np.inf, np.nan])
def test_snr_must_be_positive(snr):
    with pytest.raises(ToolkitError, match="SNR"):
        Mismatch.from_spectrum(LAW, 2.0, (8, 8)).bounds(snr)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Mismatch.from_spectrum(lambda f: -f, 2.0, (8, 8)),
        lambda: Mismatch.from_spectrum(LAW, 2.0, (0, 8)),
        lambda: Mismatch.from_pair(np.zeros((8, 8)), np.zeros((8, 9))),
        lambda: Mismatch.from_pair(np.zeros((8, 8)), np.full((8, 8), np.nan)),
        lambda: Mismatch.from_operator(np.eye(2)),
        lambda: Mismatch.from_operator(np.eye(2), covariance=np.eye(2), samples=np.eye(2)),
        lambda: Mismatch.from_operator(np.ones(3), covariance=np.eye(3)),
        lambda: Mismatch.from_operator(np.eye(3), covariance=np.eye(3), mean=np.zeros(2)),
        lambda: Mismatch.from_operator(np.ones((2, 3)), samples=np.ones((4, 3))),
    ],
)
def test_unusable_input_is_refused(build):
    with pytest.raises(SpectrumError):
        build()
