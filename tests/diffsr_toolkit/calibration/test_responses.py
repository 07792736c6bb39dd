"""Measuring a response: restorers whose gain and power are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffsr_toolkit.calibration import band_index, regeneration
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.settings import SamplingSettings
from helpers.calibration import LAW, LINEAR, GivenRestorer, field_picture
from theory.degradation import added_psd, transfer
from theory.spectra import fit_power_law


@pytest.mark.parametrize("factor", [1.0, 0.5, -0.3])
def test_a_multiple_of_the_original_has_its_factor_as_gain(factor: float) -> None:
    hr = field_picture((40, 48))
    rows = regeneration(GivenRestorer(factor * hr), hr, scales=[2.0], ratios=[0.5, 4.0])
    assert len({row["ratio"] for row in rows}) == 2
    for row in rows:
        assert row["gain"] == pytest.approx(factor, rel=1e-6)
        assert row["power"] == pytest.approx(factor**2, rel=1e-6)


@pytest.mark.parametrize("scale", [2.0, 3.0, (2.0, 4.0)])
def test_the_upsampled_image_has_the_kernel_s_transfer_as_gain(scale: Any) -> None:
    hr, pair = field_picture((120, 120)), (scale, scale) if isinstance(scale, float) else scale
    rows = regeneration(GivenRestorer(), hr, scales=[scale], ratios=[1.0])
    index = band_index((120, 120), pair)
    fy, fx = np.fft.fftfreq(120)[:, None], np.fft.fftfreq(120)[None]
    psd = LAW(np.maximum(np.hypot(fy, fx), 1 / 120))
    kept, added = transfer(fy, fx, pair), added_psd(fy, fx, pair, LAW)
    assert rows[0]["scale"] == pytest.approx(np.sqrt(pair[0] * pair[1]))
    for row in rows:
        here = index == row["band"]
        if here.sum() < 200:
            continue
        total = psd[here].sum()
        # One photograph of three channels scatters by a few hundredths.
        assert row["gain"] == pytest.approx((psd * kept)[here].sum() / total, abs=0.06)
        power = (psd * kept**2 + added)[here].sum() / total
        assert row["power"] == row["lr_up_power"] == pytest.approx(power, abs=0.06)


def test_noise_levels_follow_the_photograph_s_own_power_and_the_schedule_s_range() -> None:
    hr = field_picture()
    cutoff = float(fit_power_law(hr.numpy())(0.25))
    restorer = GivenRestorer(hr, sigma_max=0.3)
    rows = regeneration(restorer, hr, SamplingSettings(steps=3), [2.0], [1e-9, 1e-2, 1.0, 30.0, 1e9])
    kept = [ratio for ratio in (1e-2, 1.0, 30.0) if 0.3**-2 < ratio / cutoff < LINEAR.snr(0.0)]
    assert 0 < len(kept) < 5 and sorted({row["ratio"] for row in rows}) == kept
    np.testing.assert_allclose([LINEAR.snr(t) for t, _ in restorer.seen], np.array(kept) / cutoff)
    assert {settings for _, settings in restorer.seen} == {SamplingSettings(steps=3)}


def test_a_real_restorer_that_knows_the_original_regenerates_all_of_it() -> None:
    hr = field_picture((24, 24))
    restorer = DiffusionRestorer(lambda x, sigma: hr[None].expand_as(x), LINEAR, channels=3)
    settings = SamplingSettings(steps=2, samples=2, eta=1.0, consistency=False)
    rows = regeneration(restorer, hr, settings, [2.0], [1.0])
    np.testing.assert_allclose([[row["gain"], row["power"]] for row in rows], 1, rtol=1e-5)
