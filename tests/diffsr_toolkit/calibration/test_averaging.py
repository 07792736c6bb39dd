"""The response that pictures share: planted effects are found again, by a two-way fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffsr_toolkit.calibration import response_of
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.settings import SamplingSettings
from theory.prf import BANDS


def planted(
    seed: int = 0, shared: bool = True
) -> tuple[list[list[dict[str, Any]]], np.ndarray, np.ndarray, np.ndarray]:
    """Rows that are a photograph's level plus the noise's effect; each photograph reaches 4 of 6 noise levels.

    Bright photographs, with the higher gains, reach the lower noise levels.
    """
    rng = np.random.default_rng(seed)
    photographs, scales, ratios, bands = 5, (2.0, 4.0), 4.0 ** np.arange(6), 3
    own = rng.uniform(0, 0.1, (photographs, 2, bands)) + np.linspace(0, 0.5, photographs)[:, None, None]
    effect = np.cumsum(rng.uniform(-0.05, 0.05, (1 if shared else 2, 6, bands)), axis=1)
    effect = np.broadcast_to(effect, (2, 6, bands))
    fuzz = 0.2 + rng.uniform(0, 0.1, (photographs, 2, bands))
    stir = rng.uniform(0, 0.1, (2, 6, bands))
    reach = [range(max(0, 2 - i), max(0, 2 - i) + 4) for i in range(photographs)]
    rows = [
        [
            {
                "scale": scale, "ratio": float(ratios[j]), "band": b,
                "gain": own[i, k, b] + effect[k, j, b],
                "power": (own[i, k, b] + effect[k, j, b]) ** 2 + fuzz[i, k, b] + stir[k, j, b],
                "lr_up_power": 0.1 * (i + k),
            }
            for k, scale in enumerate(scales) for j in reach[i] for b in range(bands)
        ]
        for i in range(photographs)
    ]  # fmt: skip
    return rows, own, effect, fuzz.mean(0)[:, None] + stir


def test_planted_effects_are_recovered_where_plain_means_are_not() -> None:
    rows, own, effect, incoherent = planted()
    found = response_of(rows, "model", SamplingSettings(samples=2))
    gain = own.mean(0)[:, None] + effect
    np.testing.assert_allclose(found.gain[..., :3], gain, atol=1e-6)
    np.testing.assert_allclose(found.power[..., :3], gain**2 + incoherent, atol=1e-6)
    np.testing.assert_allclose(found.lr_up_power[:, :3], [[0.2] * 3, [0.3] * 3])
    assert np.isnan(found.gain[..., 3:]).all() and np.isnan(found.power[..., 3:]).all()
    assert found.spread == pytest.approx(0, abs=1e-9) and found.model == "model"
    assert found.sampler == SamplingSettings(samples=2).protocol()

    def plain(k: int, j: int, b: int) -> float:
        here = [row["gain"] for photo in rows for row in photo
                if (row["scale"], row["ratio"], row["band"]) == (found.scales[k], found.ratios[j], b)]  # fmt: skip
        return float(np.mean(here))

    assert max(abs(plain(0, j, 0) - gain[0, j, 0]) for j in range(6)) > 0.05


def test_spread_is_the_scatter_between_scales_at_equal_noise() -> None:
    missing = int(np.flatnonzero(BANDS >= 1)[0])
    change = np.array([[0.0, 0.0, 0.0], [0.0, 0.1, 0.3]])
    rows = [
        {"scale": scale, "ratio": ratio, "band": missing, "gain": 0.2 * k + change[k, j], "power": 1, "lr_up_power": 0}
        for k, scale in enumerate((2.0, 4.0)) for j, ratio in enumerate((1.0, 4.0, 16.0))
    ]  # fmt: skip
    # Half the difference of two numbers is their standard deviation; the first level is the reference.
    assert response_of([rows]).spread == pytest.approx(np.mean([0.0, 0.05, 0.15]))


def test_nothing_measured_is_refused() -> None:
    with pytest.raises(ToolkitError, match="0 restorations"):
        response_of([[], []])
