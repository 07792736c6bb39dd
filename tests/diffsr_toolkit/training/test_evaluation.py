"""Judging a model: answers that are known for restorers and denoisers of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from diffsr_toolkit.metrics import FeatureDistance
from diffsr_toolkit.models import as_denoiser
from diffsr_toolkit.training import (
    denoising_psnr,
    evaluation,
    regenerated_shares,
    sample_sheet,
    write_evaluation,
)
from helpers.calibration import LINEAR, GivenRestorer, field_picture


@pytest.mark.parametrize("noise", [15, 50])
def test_noise_that_is_left_in_place_is_the_error(noise: int) -> None:
    hr = torch.zeros(3, 64, 64)
    found = denoising_psnr(as_denoiser(lambda x, sigma: x), hr, noise)
    assert found == pytest.approx(20 * np.log10(255 / noise), abs=0.1)
    assert denoising_psnr(as_denoiser(lambda x, sigma: x + 0.1), hr, noise, seed=1) < found


def test_the_original_regenerates_all_and_bicubic_little() -> None:
    hr = 0.3 * field_picture((40, 48))
    rows = regenerated_shares(GivenRestorer(hr), {"field": hr}, [2.0, 3.0])
    assert {(row["scale"], row["sampler"]) for row in rows} == {
        (scale, sampler)
        for scale in (2.0, 3.0)
        for sampler in ("bicubic", "plain", "consistent", "consistent_pair")
    }
    for row in rows:
        if row["sampler"] == "bicubic":
            assert row["t"] is None and row["lost_band_share"] < 0.3 and row["feature_distance"] > 0
        else:
            assert row["lost_band_share"] == pytest.approx(1) and row["feature_distance"] == 0


def test_a_sheet_holds_its_samples_side_by_side() -> None:
    shade = torch.linspace(-1, 1, 6).view(6, 1, 1, 1)
    sheet = sample_sheet(
        as_denoiser(lambda x, sigma: shade.expand_as(x)), LINEAR, rows=2, columns=3, side=8, steps=3
    )
    assert sheet.size == (24, 16)
    found = np.asarray(sheet)[::8, ::8, 0].ravel()
    np.testing.assert_array_equal(found, np.round((shade.flatten().numpy() + 1) * 127.5))


def test_an_evaluation_is_written_with_what_it_was_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "BUNDLED", ("chelsea",))
    monkeypatch.setattr(evaluation, "bundled_photograph", lambda name: torch.zeros(3, 24, 24))
    monkeypatch.setattr(evaluation, "TIMESTEPS", (10.0,))
    monkeypatch.setattr(evaluation, "sample_sheet", lambda denoiser, schedule: Image.new("RGB", (8, 8)))
    levels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(levels).save(tmp_path / "photo.png")
    write_evaluation("embedded", [tmp_path / "photo.png"], tmp_path / "out", side=32)
    stored = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert list(stored["denoising_psnr"]["chelsea"]) == ["15", "25", "50", "75", "100", "150"]
    assert stored["features"] == FeatureDistance.name
    assert {row["image"] for row in stored["regeneration"]} == {"photo"} and len(stored["regeneration"]) == 8
    with Image.open(tmp_path / "out" / "samples.png") as sheet:
        assert sheet.size == (8, 8)
