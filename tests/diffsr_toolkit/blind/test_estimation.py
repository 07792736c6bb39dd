"""The whole degradation of an image, told from it: none, mixtures, and what cannot be told."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.blind import estimate_degradation
from diffsr_toolkit.blind.noise import MIN_SIDE
from helpers.fields import PHOTOGRAPHS, degraded, photograph
from theory.degradation import BICUBIC, Degradation
from theory.errors import ScaleError, SpectrumError


def test_clean_photographs_are_bicubic():
    # One false alarm in 15 is what was measured on more images too.
    alarms = 0
    for name in PHOTOGRAPHS:
        for scale in (2, 3, 4):
            alarms += (
                estimate_degradation(degraded(photograph(name), scale, BICUBIC), scale).degradation != BICUBIC
            )
    assert alarms <= 2


def test_mixed_degradations_are_all_told():
    lr = degraded(photograph("astronaut"), 2, Degradation(2.5, 0.02))
    found = estimate_degradation(lr, 2.0)
    assert found.degradation.blur_sigma == pytest.approx(2.5, abs=0.5)
    assert found.degradation.noise_std == pytest.approx(0.02, rel=0.1)
    assert found.degradation.jpeg_quality is None
    assert "blur of 2." in found.explanation and "and noise of 0.02" in found.explanation
    lr = degraded(photograph("astronaut"), 2, Degradation(2.0, 0.0, 75))
    found = estimate_degradation(lr, 2.0)
    assert found.degradation.jpeg_quality == 75 and "quality 75" in found.explanation
    assert found.degradation.blur_sigma == pytest.approx(2.0, abs=0.7)


def test_nothing_found_says_what_could_hide():
    found = estimate_degradation(degraded(photograph("chelsea"), 3, BICUBIC), 3.0)
    assert found.degradation == BICUBIC
    assert found.explanation.startswith("The image shows no noise above 0.01, no blur above 1.")


@pytest.mark.parametrize(
    ("lr", "message"),
    [
        (np.zeros((64, 64)), "constant"),
        (np.random.default_rng(0).normal(size=(MIN_SIDE - 1, 64)), "31 x 64 pixels.*32 x 32"),
        (np.full((3, 64, 64), np.nan), "nan or inf"),
        (np.zeros((2, 64, 64)), r"shape \(2, 64, 64\)"),
        (np.zeros(64), r"shape \(64,\)"),
    ],
)
def test_what_cannot_be_told_is_refused(lr, message):
    with pytest.raises(SpectrumError, match=message):
        estimate_degradation(lr, 2.0)


def test_bad_scale_is_refused():
    with pytest.raises(ScaleError, match="at least 1"):
        estimate_degradation(photograph("camera"), 0.5)
