"""Measuring a response: exact band sums, restorers whose gain and power are known, and the two-way fit."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from diffsr_toolkit import DiffSR
from diffsr_toolkit.models import WienerDenoiser
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.images import upsample
from diffsr_toolkit.calibration import (
    band_index,
    band_products,
    denoising,
    find_response,
    matching_response,
    regeneration,
    response_of,
    stored_responses,
)
from theory.prf import BANDS, ModelResponse
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw, fit_power_law
from theory.degradation import added_psd, transfer

LINEAR = NoiseSchedule.linear()
LAW = PowerLaw(1e-3, 2.5)
M = len(BANDS) - 1


def photograph(shape: tuple[int, int] = (96, 96), seed: int = 0, law: PowerLaw = LAW) -> torch.Tensor:
    """Three independent Gaussian fields whose ``|FFT|^2 / N`` averages to the law."""
    f = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None])
    f[0, 0] = np.inf
    noise = np.random.default_rng(seed).standard_normal((3, *shape))
    return torch.from_numpy(np.fft.ifft2(np.fft.fft2(noise) * np.sqrt(law(f))).real).float()


class Restorer:
    """Stands for DiffSR: gives back ``restored``, or the upsampled image, and notes the timesteps."""

    def __init__(self, restored: torch.Tensor | None = None, **attributes: Any) -> None:
        self.schedule, self.denoiser = LINEAR, SimpleNamespace(**attributes)
        self.restored, self.seen = restored, []

    def restore(self, lr: torch.Tensor, size: tuple[int, int], t: float, **sampler: Any) -> tuple[Any, int]:
        self.seen.append((t, sampler))
        return (upsample(lr, size) if self.restored is None else self.restored), 0


@pytest.mark.parametrize("shape", [(24, 24), (17, 30)])
@pytest.mark.parametrize("scale", [(1.0, 1.0), (2.0, 2.0), (3.0, 5.0)])
def test_every_coefficient_has_its_band(shape: tuple[int, int], scale: tuple[float, float]) -> None:
    index = band_index(shape, scale)
    assert index[0, 0] == -1 and (index >= 0).sum() == shape[0] * shape[1] - 1
    for y, x in ((0, 1), (3, 0), (5, 7), (shape[0] // 2, shape[1] // 2)):
        fy, fx = np.fft.fftfreq(shape[0])[y], np.fft.fftfreq(shape[1])[x]
        nu = np.hypot(2 * scale[0] * fy, 2 * scale[1] * fx)
        assert BANDS[index[y, x]] <= nu < BANDS[index[y, x] + 1]


@pytest.mark.parametrize("shape", [(32, 32), (17, 30)])
def test_the_bands_share_out_the_windowed_power(shape: tuple[int, int]) -> None:
    a, b = photograph(shape, 1), photograph(shape, 2)
    index = band_index(shape, (2.0, 2.0))
    window = np.outer(*(np.hanning(2 * n + 1)[1::2] for n in shape))

    def windowed(image: torch.Tensor) -> np.ndarray:
        x = image.double().numpy()
        return (
            x - np.average(x, axis=(1, 2), weights=np.broadcast_to(window, x.shape))[:, None, None]
        ) * window

    for first, second in ((a, a), (a, b)):
        direct = (windowed(first) * windowed(second)).sum() / 3 * window.size / (window**2).sum()
        assert band_products(first, second, index).sum() == pytest.approx(direct, rel=1e-9)


def test_band_power_is_the_spectrum_times_the_coefficients() -> None:
    # White noise of variance 0.04: each band holds 0.04 a coefficient, to its own sampling error.
    noise = 0.2 * torch.randn(3, 128, 128, generator=torch.Generator().manual_seed(0))
    index = band_index((128, 128), (1.0, 1.0))
    count = np.bincount(index[index >= 0], minlength=M)
    power = band_products(noise, noise, index)
    busy = count > 500
    np.testing.assert_allclose(power[busy] / count[busy], 0.04, rtol=0.15)
    np.testing.assert_array_equal(power[count == 0], 0)


@pytest.mark.parametrize("factor", [1.0, 0.5, -0.3])
def test_a_multiple_of_the_original_has_its_factor_as_gain(factor: float) -> None:
    hr = photograph((40, 48))
    rows = regeneration(Restorer(factor * hr), hr, [2.0], [0.5, 4.0])  # type: ignore[arg-type]
    assert len({row["ratio"] for row in rows}) == 2
    for row in rows:
        assert row["gain"] == pytest.approx(factor, rel=1e-6)
        assert row["power"] == pytest.approx(factor**2, rel=1e-6)


@pytest.mark.parametrize("scale", [2.0, 3.0, (2.0, 4.0)])
def test_the_upsampled_image_has_the_kernel_s_transfer_as_gain(scale: Any) -> None:
    hr, pair = photograph((120, 120)), (scale, scale) if isinstance(scale, float) else scale
    rows = regeneration(Restorer(), hr, [scale], [1.0])  # type: ignore[arg-type]
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
    hr = photograph()
    cutoff = float(fit_power_law(hr.numpy())(0.25))
    sr = Restorer(hr, sigma_max=0.3)
    rows = regeneration(sr, hr, [2.0], [1e-9, 1e-2, 1.0, 30.0, 1e9], steps=3)  # type: ignore[arg-type]
    kept = [ratio for ratio in (1e-2, 1.0, 30.0) if 0.3**-2 < ratio / cutoff < LINEAR.snr(0.0)]
    assert 0 < len(kept) < 5 and sorted({row["ratio"] for row in rows}) == kept
    np.testing.assert_allclose([LINEAR.snr(t) for t, _ in sr.seen], np.array(kept) / cutoff)
    assert {sampler["steps"] for _, sampler in sr.seen} == {3}


def test_a_real_restorer_that_knows_the_original_regenerates_all_of_it() -> None:
    hr = photograph((24, 24))
    sr = DiffSR(lambda x, sigma: hr[None].expand_as(x), LINEAR, channels=3)
    rows = regeneration(sr, hr, [2.0], [1.0], steps=2, samples=2, eta=1.0, consistency=False)
    np.testing.assert_allclose([[row["gain"], row["power"]] for row in rows], 1, rtol=1e-5)


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
    found = response_of(rows, "model", {"samples": 1})
    gain = own.mean(0)[:, None] + effect
    np.testing.assert_allclose(found.gain[..., :3], gain, atol=1e-6)
    np.testing.assert_allclose(found.power[..., :3], gain**2 + incoherent, atol=1e-6)
    np.testing.assert_allclose(found.lr_up_power[:, :3], [[0.2] * 3, [0.3] * 3])
    assert np.isnan(found.gain[..., 3:]).all() and np.isnan(found.power[..., 3:]).all()
    assert found.spread == pytest.approx(0, abs=1e-9) and found.model == "model"

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


@cache
def known(samples: int, consistency: bool) -> ModelResponse:
    rows, *_ = planted()
    return response_of(rows, "m", {"samples": samples, "consistency": consistency})


def test_responses_are_found_by_their_sampler() -> None:
    responses = [known(1, True), known(2, True), known(1, False)]
    assert matching_response(responses) is responses[0]
    assert matching_response(responses, 2) is matching_response(responses, 6) is responses[1]
    assert matching_response(responses, 1, False) is responses[2]
    assert find_response(responses, 2, False) is None and find_response([]) is None
    with pytest.raises(ToolkitError, match=r"3 responses.*samples=2, consistency=False.*'spectral'"):
        matching_response(responses, 2, False)


def test_stored_responses_are_read_back(tmp_path: Path) -> None:
    assert stored_responses(tmp_path) == ()
    kept = [known(1, True), known(2, True)]
    stored = {"samplers": [response.to_dict() for response in kept]}
    (tmp_path / "response.json").write_text(json.dumps(stored, allow_nan=False))
    for found, response in zip(stored_responses(tmp_path), kept, strict=True):
        np.testing.assert_allclose(found.gain, response.gain, atol=5.1e-5)
        assert found.sampler == response.sampler


def test_an_image_that_is_denoised_to_nothing_loses_all_its_power() -> None:
    rows = denoising(lambda x, sigma: torch.zeros_like(x), photograph((48, 48)), [0.05, 0.5])
    assert {row["sigma"] for row in rows} == {0.05, 0.5}
    for row in rows:
        assert row["efficiency"] == pytest.approx(1 + row["ratio"], rel=1e-6)


def test_noise_that_is_left_in_place_costs_its_own_power() -> None:
    rows = denoising(lambda x, sigma: x, photograph((128, 128)), [0.1])
    # The bands from 0.35 to 0.6 cycles per pixel, which hold some thousand coefficients each.
    busy = [row for row in rows if row["band"] in (3, 4, 5)]
    assert len(busy) == 3
    for row in busy:
        assert row["efficiency"] == pytest.approx((1 + row["ratio"]) / row["ratio"], rel=0.12)


def test_the_linear_denoiser_has_the_efficiency_one_on_gaussian_fields() -> None:
    found: dict[int, list[float]] = {}
    for seed in range(4):
        for row in denoising(WienerDenoiser(LAW), photograph((96, 96), seed), [0.05, 0.2], seed):
            found.setdefault(row["band"], []).append(row["efficiency"])
    # The lowest bands hold few coefficients, and the window smears their steep spectrum.
    for band in range(3, max(found) + 1):
        assert np.mean(found[band]) == pytest.approx(1, abs=0.1)
