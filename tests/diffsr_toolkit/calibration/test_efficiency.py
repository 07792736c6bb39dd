"""The denoising curve: denoisers whose error is known, and efficiencies averaged in bins."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffsr_toolkit.calibration import denoising, denoising_curve
from diffsr_toolkit.models import WienerDenoiser
from helpers.calibration import LAW, field_picture


def test_an_image_that_is_denoised_to_nothing_loses_all_its_power() -> None:
    rows = denoising(lambda x, sigma: torch.zeros_like(x), field_picture((48, 48)), [0.05, 0.5])
    assert {row["sigma"] for row in rows} == {0.05, 0.5}
    for row in rows:
        assert row["efficiency"] == pytest.approx(1 + row["ratio"], rel=1e-6)


def test_noise_that_is_left_in_place_costs_its_own_power() -> None:
    rows = denoising(lambda x, sigma: x, field_picture((128, 128)), [0.1])
    # The bands from 0.35 to 0.6 cycles per pixel, which hold some thousand coefficients each.
    busy = [row for row in rows if row["band"] in (3, 4, 5)]
    assert len(busy) == 3
    for row in busy:
        assert row["efficiency"] == pytest.approx((1 + row["ratio"]) / row["ratio"], rel=0.12)


def test_the_linear_denoiser_has_the_efficiency_one_on_gaussian_fields() -> None:
    found: dict[int, list[float]] = {}
    for seed in range(4):
        for row in denoising(WienerDenoiser(LAW), field_picture((96, 96), seed), [0.05, 0.2], seed):
            found.setdefault(row["band"], []).append(row["efficiency"])
    # The lowest bands hold few coefficients, and the window smears their steep spectrum.
    for band in range(3, max(found) + 1):
        assert np.mean(found[band]) == pytest.approx(1, abs=0.1)


def test_efficiencies_are_averaged_geometrically_in_bins_of_four() -> None:
    first = [
        {"ratio": 4.0, "efficiency": 0.5},
        {"ratio": 7.9, "efficiency": 2.0},
        {"ratio": 0.06, "efficiency": 1.0},
    ]
    second = [
        {"ratio": 3.0, "efficiency": 8.0},
        {"ratio": 0.07, "efficiency": 0.25},
        {"ratio": 900.0, "efficiency": 1.0},
    ]
    found = denoising_curve([first, second])
    # A bin that holds fewer values than there are photographs is left out.
    assert found == {"ratios": [1 / 16, 4.0], "efficiency": [0.5, 2.0]}
