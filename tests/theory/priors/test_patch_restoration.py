"""The reverse process with an exact denoiser stays inside every bound."""

from __future__ import annotations

import numpy as np
import pytest

from theory.degradation import cubic_weights
from theory.errors import ToolkitError
from theory.priors import PatchPrior, check_restoration
from theory.priors.patch_restoration import restore


@pytest.fixture(scope="module")
def laws() -> tuple[PatchPrior, PatchPrior]:
    rng = np.random.default_rng(0)
    patches = np.clip(0.5 * rng.standard_normal((60, 8)), -1, 1)
    p = cubic_weights(5, 8) @ cubic_weights(8, 5)
    return PatchPrior(patches), PatchPrior(patches @ p.T)


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("snr", [0.1, 2.0, 20.0, 300.0])
def test_no_restoration_leaves_its_bounds(laws, snr, eta):
    check = check_restoration(*laws, snr, steps=15, eta=eta, draws=8)
    error, least = check.squared_error, check.mmse
    assert error.value >= least.value - 4 * np.hypot(error.std_error, least.std_error)
    assert least.value <= check.mmse_linear + 4 * least.std_error
    assert check.kept.value <= check.kept_bound + 4 * check.kept.std_error
    assert check.index_tv <= check.tv_bound + 0.02
    assert check.index_kl <= check.kl_bound + 0.02
    assert check.nfe == 15


def test_noise_costs_signature_and_buys_realism(laws):
    # True of this law; a mild degradation may have its largest realism deficit at some noise.
    checks = [check_restoration(*laws, snr, draws=6) for snr in (300.0, 20.0, 2.0, 0.1)]
    kept = [check.kept.value for check in checks]
    deficit = [check.index_tv for check in checks]
    assert kept == sorted(kept, reverse=True) and kept[0] > 2 * kept[-1]
    assert deficit == sorted(deficit, reverse=True) and deficit[0] > 3 * deficit[-1]


def test_the_ancestral_chain_draws_from_the_posterior(laws):
    # Many DDPM steps from a noised original: twice the mmse, as one posterior sample has.
    prior, _ = laws
    rng, sigma = np.random.default_rng(1), 0.7
    x = np.tile(prior.patches, (40, 1))
    restored = restore(prior, x + sigma * rng.standard_normal(x.shape), sigma, 150, 1.0, rng)
    error = np.sum((restored - x) ** 2, axis=1)
    mmse = prior.mmse(sigma**-2, None, 60)
    room = 4 * np.hypot(error.std() / len(error) ** 0.5, 2 * mmse.std_error)
    assert abs(error.mean() - 2 * mmse.value) < room + 0.02 * mmse.value


def test_one_step_is_the_denoiser(laws):
    prior, _ = laws
    z = prior.patches + 0.5
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(restore(prior, z, 0.5, 1, 0.0, rng), prior.denoise(z, 0.5))


def test_a_restoration_from_little_noise_lands_on_patches(laws):
    prior, degraded = laws
    restored = restore(prior, degraded.patches, 0.2, 20, 0.0, np.random.default_rng(0))
    assert np.abs(restored - prior.patches[prior.nearest(restored)]).max() < 1e-6


@pytest.mark.parametrize("bad", [(0, 0.0), (5, -0.1), (5, 1.1)])
def test_bad_steps_are_refused(laws, bad):
    prior, _ = laws
    with pytest.raises(ToolkitError, match="steps"):
        restore(prior, prior.patches, 0.5, *bad, np.random.default_rng(0))
