"""Which tiles train: sharp ones, few flat ones, none that are blurred."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from diffsr_toolkit.training import TILE, TileFilter, local_exponent
from helpers.textures import texture


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
def test_local_exponent_recovers_a_power_law(exponent: float) -> None:
    assert local_exponent(texture(exponent)) == pytest.approx(exponent, abs=0.25)


def test_the_filter_keeps_sharp_tiles_and_drops_blur() -> None:
    rng, keep = np.random.default_rng(0), TileFilter()
    sharp = texture(2.0)
    assert keep.keeps(sharp, rng)
    assert not any(keep.keeps(gaussian_filter(sharp, 3.0) * 1.2, rng) for _ in range(200))


def test_flat_tiles_are_kept_at_their_share() -> None:
    rng, keep = np.random.default_rng(0), TileFilter(flat_share=0.25)
    kept = sum(keep.keeps(np.full((TILE, TILE), 90.0), rng) for _ in range(2000))
    assert 430 < kept < 570
