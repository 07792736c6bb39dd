"""JPEG compression told from its comb of coefficients."""

from __future__ import annotations

import pytest

from diffsr_toolkit.blind import estimate_jpeg
from helpers.fields import PHOTOGRAPHS, degraded, photograph
from theory.degradation import BICUBIC, Degradation


@pytest.mark.parametrize("quality", [30, 50, 75, 90])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_quality_is_told_to_one(name, quality):
    hr = photograph(name)
    found = estimate_jpeg(degraded(hr, 2, Degradation(jpeg_quality=quality)))
    assert found is not None and abs(found - quality) <= 1
    assert estimate_jpeg(degraded(hr, 2, BICUBIC)) is None


def test_a_shifted_grid_shows_no_compression():
    lr = degraded(photograph("coffee"), 2, Degradation(jpeg_quality=50))
    assert estimate_jpeg(lr[:, 3:, 5:]) is None
