"""The spectral level: its quadrature, and its sums against a full grid and a Monte-Carlo restoration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from theory.degradation import Degradation, added_psd, cubic_weights, transfer
from theory.gaussian import flow_limit, run_chain
from theory.prf.spectral import SpectralField, frequency_nodes
from theory.spectra import PowerLaw

LAW = PowerLaw(1e-3, 2.5)


def field(scale=(3.0, 3.0), lowest=1 / 64, **changes):
    options = {
        "psd": LAW, "scale": scale, "sampler": flow_limit, "weight": 10.0, "eps_realism": 0.1,
        "eps_signature": 0.1, "lowest": lowest, "log_snr_range": (-20.0, 26.0),
    }  # fmt: skip
    return SpectralField(**(options | changes))


@pytest.mark.parametrize("lowest", [1 / 16, 1 / 64, 1 / 512])
def test_nodes_integrate_the_square(lowest):
    fy, fx, weight = frequency_nodes(lowest)
    assert fy.min() > 0 and max(fy.max(), fx.max()) < 0.5 and np.hypot(fy, fx).min() > lowest
    assert weight.sum() == pytest.approx(1 - np.pi * lowest**2, rel=1e-6)
    # Area integral of f^-2 over the square less the disc: angular integral of log(edge / lowest).
    angle = np.linspace(0, np.pi / 4, 20001)
    expected = 8 * np.trapezoid(np.log(0.5 / np.cos(angle) / lowest), angle)
    assert weight @ np.hypot(fy, fx) ** -2.0 == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("scale", [(2.0, 2.0), (3.3, 3.3), (2.0, 5.0)])
def test_sums_agree_with_a_full_grid(scale):
    n = 256
    f = np.fft.fftfreq(n)
    fy, fx = f[:, None], f[None, :]
    radius = np.hypot(fy, fx)
    inside = radius > 1 / 64
    psd = LAW(np.maximum(radius, 1e-3))
    gain, added = transfer(fy, fx, scale), added_psd(fy, fx, scale, LAW)
    snr = np.array([0.5, 5.0, 50.0])
    deficit0 = np.sum(((np.sqrt(psd) - np.sqrt(gain**2 * psd + added)) ** 2)[inside])
    ours = field(scale)
    for level, deficit, loss, error in zip(
        snr, ours.realism_deficit(snr), ours.signature_loss(snr), ours.squared_error(snr), strict=True
    ):
        chain = flow_limit(level**-0.5, psd)
        grid_deficit = np.sum(chain.frechet_deficit(gain, psd, added)[inside]) / deficit0
        known = gain**2 * psd / (gain**2 * psd + added)
        kept = np.sum((psd * known * chain.inherited(gain, psd, added))[inside]) / np.sum(psd[inside])
        assert deficit == pytest.approx(grid_deficit, rel=0.02)
        assert loss == pytest.approx(1 - kept, abs=0.005)
        assert error == pytest.approx(
            np.mean(np.where(inside, chain.squared_error(gain, psd, added), 0)), rel=0.02
        )


@pytest.mark.parametrize(("eta", "steps"), [(0.0, 8), (1.0, 8)])
def test_predicted_error_is_that_of_a_real_restoration(make_field, eta, steps):
    """64 x 64 fields, real resampling, a sampler loop with the Wiener denoiser: squared error per value."""
    n, m, draws = 64, 32, 40
    rng = np.random.default_rng(5)
    sigmas = np.append(np.geomspace(0.3, 0.01, steps), 0)
    down, up = cubic_weights(n, m), cubic_weights(m, n)
    radius = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.fftfreq(n)[None, :])
    psd = np.where(radius > 0, LAW(np.where(radius > 0, radius, 1)), 0)
    error = 0.0
    for _ in range(draws):
        hr = make_field(LAW, (n, n), rng)
        state = up @ (down @ hr @ down.T) @ up.T + sigmas[0] * rng.standard_normal((n, n))
        for sigma, nxt in itertools.pairwise(sigmas):
            x0 = np.fft.ifft2(np.fft.fft2(state) * psd / (psd + sigma**2)).real
            fresh = eta * nxt * np.sqrt(1 - nxt**2 / sigma**2)
            state = (
                x0 + np.sqrt(nxt**2 - fresh**2) / sigma * (state - x0) + fresh * rng.standard_normal((n, n))
            )
        error += np.mean((state - hr)[8:-8, 8:-8] ** 2) / draws  # borders, which are not periodic, aside

    def sampler(sigma, spectrum):
        chain = run_chain(sigmas, spectrum[0], eta)
        return type(chain)(sigma, chain.gain[None], chain.variance[None])

    predicted = field((2.0, 2.0), lowest=0.6 / n, sampler=sampler).squared_error(sigmas[0] ** -2.0)
    assert float(predicted) == pytest.approx(error, rel=0.04)


def test_search_results_are_what_they_claim():
    ours = field(eps_signature=0.3)
    assert float(ours.realism_deficit(np.exp(ours.log_snr_low))) == pytest.approx(0.1, abs=1e-8)
    assert float(ours.signature_loss(np.exp(ours.log_snr_high))) == pytest.approx(0.3, abs=1e-8)
    near = ours.log_snr_opt + np.linspace(-0.5, 0.5, 101)
    value = ours.curves(near).objective
    assert near[np.argmin(value)] == pytest.approx(ours.log_snr_opt, abs=0.011)


def test_search_without_an_answer():
    assert field(eps_signature=1e-9).log_snr_high == np.inf
    assert field(scale=(1.0, 1.0)).log_snr_low == np.inf and field(scale=(1.0, 1.0)).log_snr_opt == np.inf
    starving = field(sampler=lambda sigma, psd: run_chain([1.0, 0.0], psd, 0.0), log_snr_range=(0.0, 1.0))
    assert starving.log_snr_low == -np.inf and starving.excess_loss == 1


def test_blur_and_noise_count_as_missing():
    clean, blurred = field(), field(degradation=Degradation(blur_sigma=3.0))
    noisy = field(degradation=Degradation(noise_std=0.1))
    assert blurred.log_snr_opt < clean.log_snr_opt
    assert float(noisy.signature_loss(1e6)) > float(clean.signature_loss(1e6))
    assert np.isfinite(field(scale=(1.0, 1.0), degradation=Degradation(blur_sigma=2.0)).log_snr_opt)
