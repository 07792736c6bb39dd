"""Blur told from the roll-off of an image's spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.blind import estimate_blur
from helpers.fields import PHOTOGRAPHS, degraded, gaussian_field, photograph
from theory.degradation import Degradation
from theory.spectra import PowerLaw

LAW = PowerLaw(6e-4, 2.6)


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_blur_on_photographs(name, scale):
    for blur in (0.9 * scale, 1.3 * scale):
        found = estimate_blur(degraded(photograph(name), scale, Degradation(blur)), scale)
        assert abs(found.value - blur) < 0.25 * scale
        assert 0 < found.std < 0.5 * scale


@pytest.mark.parametrize("scale", [2, 3])
def test_blur_grows_with_the_blur(scale):
    truths = np.array([0.0, 0.6, 0.9, 1.2, 1.6]) * scale
    runs = [
        [
            estimate_blur(
                degraded(
                    gaussian_field(LAW, (288, 288), np.random.default_rng(seed))[None],
                    scale,
                    Degradation(blur),
                ),
                scale,
            )
            for blur in truths
        ]
        for seed in range(4)
    ]
    values = np.array([[found.value for found in run] for run in runs])
    assert np.all(np.diff(values, axis=1) >= 0)
    assert np.all(values[:, 0] == 0)
    # A little low: the window smears a steep spectrum.
    np.testing.assert_allclose(values.mean(axis=0)[2:], truths[2:], atol=0.03 * scale, rtol=0.08)
