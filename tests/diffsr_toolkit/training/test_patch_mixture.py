"""The mixture's recipe: likelihood that rises, a known mixture found again, places that a seed fixes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.models import load_patches, to_coefficients
from diffsr_toolkit.training import draw_patches, fit_patch_mixture


def test_likelihood_rises_and_the_seed_decides():
    patches = load_patches()[:600]
    mixture, history = fit_patch_mixture(patches, components=3, rank=8, iterations=6)
    assert (np.diff(history) > -1e-3).all() and history[-1] > history[0] + 1
    again, _ = fit_patch_mixture(patches, components=3, rank=8, iterations=6)
    torch.testing.assert_close(mixture.variance, again.variance)
    assert float(mixture.weight.sum()) == pytest.approx(1, abs=1e-5)


def test_one_component_is_the_covariance():
    patches = load_patches()[:800]
    mixture, _ = fit_patch_mixture(patches, components=1, rank=10, iterations=1)
    y = to_coefficients(patches).double()
    values = torch.linalg.eigvalsh(y.T @ y / len(y)).flip(0)
    torch.testing.assert_close(mixture.variance[0].double(), values[:10], rtol=1e-3, atol=1e-6)
    assert float(mixture.floor[0]) == pytest.approx(float(values[10:].mean()), rel=0.05)


def test_patches_come_from_the_tiles():
    tiles = np.random.default_rng(0).integers(0, 256, (5, 12, 10, 3), dtype=np.uint8)
    patches = draw_patches(tiles, 40, size=4, seed=3)
    windows = np.lib.stride_tricks.sliding_window_view(tiles, (4, 4), axis=(1, 2)).reshape(-1, 3, 4, 4)
    known = {window.tobytes() for window in np.ascontiguousarray(windows)}
    assert patches.shape == (40, 3, 4, 4) and all(patch.tobytes() in known for patch in patches)
    np.testing.assert_array_equal(patches, draw_patches(tiles, 40, size=4, seed=3))
    with pytest.raises(ImageError, match="tiles have shape"):
        draw_patches(tiles[..., 0], 4)
