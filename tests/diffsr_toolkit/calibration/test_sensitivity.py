"""Taking a band out of an image, and what a metric charges for it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from diffsr_toolkit.calibration import EDGES, SHARE, charges, remove_band, sensitivity
from diffsr_toolkit.calibration.__main__ import main
from theory.prf import Sensitivity


def image(shape: tuple[int, int] = (40, 56), seed: int = 0) -> torch.Tensor:
    return torch.rand(3, *shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def power(x: torch.Tensor) -> float:
    return float((x.double() ** 2).sum())


def test_a_cosine_loses_its_share_in_its_own_band_only() -> None:
    y = torch.arange(64.0) + 0.5
    wave = torch.cos(torch.pi * 16 * y / 64)[None, :, None].expand(1, 64, 48)  # 0.125 cycles per pixel
    for low, high, left in ((0.1, 0.15, 0.7), (0.125, 0.2, 0.7), (0.05, 0.125, 1.0), (0.2, 0.5, 1.0)):
        torch.testing.assert_close(remove_band(wave, low, high, 0.3), left * wave, rtol=0, atol=1e-5)


def test_bands_are_apart_and_together_are_the_image() -> None:
    hr = image()
    lost = [hr - remove_band(hr, low, high, 1.0) for low, high in pairwise(EDGES)]
    mean = hr.mean((-2, -1), keepdim=True)
    slowest = remove_band(hr, EDGES[0], 9.0, 1.0) - mean
    torch.testing.assert_close(sum(lost), hr - mean - slowest, rtol=0, atol=1e-4)
    # Orthogonal parts: their powers add.
    assert sum(map(power, lost)) == pytest.approx(power(sum(lost)), rel=1e-5)
    assert power(slowest) < 0.01 * power(hr)


def test_a_share_takes_its_square_of_the_power() -> None:
    hr = image()
    whole, half = (power(hr - remove_band(hr, 0.1, 0.2, share)) for share in (1.0, 0.5))
    assert half == pytest.approx(whole / 4, rel=1e-4)
    torch.testing.assert_close(remove_band(hr, 0.1, 0.2, 0.0), hr, rtol=0, atol=1e-5)
    assert remove_band(hr, 0.1, 0.2).dtype == torch.float32


def squared_error(
    restored: torch.Tensor, hr: torch.Tensor, *rest: Any, metrics: list[str]
) -> dict[str, float]:
    error = float(((restored - hr).double() ** 2).mean())
    return {"ssim": 1 - error, "feature_distance": 2 * error}


def test_a_charge_is_the_loss_for_a_whole_octave_averaged_over_photographs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sensitivity, "evaluate", squared_error)
    images, edges = [image(seed=0), image(seed=1)], np.array([0.05, 0.1, 0.4])
    found = charges(images, edges)
    # A squared error is additive, so the whole band's own error is expected, per octave.
    expected = [
        np.mean([power(hr - remove_band(hr, low, high, 1.0)) / hr.numel() for hr in images]) / octaves
        for low, high, octaves in ((0.05, 0.1, 1), (0.1, 0.4, 2))
    ]
    np.testing.assert_allclose(found["ssim"]["octave"], expected, atol=2e-5)
    np.testing.assert_allclose(found["feature_distance"]["octave"], 2 * np.array(expected), atol=2e-5)
    np.testing.assert_allclose(found["ssim"]["frequency"], [np.sqrt(0.005), 0.2], atol=1e-5)


def test_the_command_writes_what_the_theory_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivity, "evaluate", squared_error)
    pixels = (image((32, 48)).permute(1, 2, 0) * 127.5 + 127.5).byte().numpy()
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    main(["sensitivity", str(tmp_path / "photo.png"), "--side", "24", "--out", str(tmp_path / "out.json")])
    stored = json.loads((tmp_path / "out.json").read_text())
    assert stored["provenance"] == {"photographs": ["photo.png"], "longer_side": 24, "share": SHARE}
    assert set(stored["metrics"]) == {"ssim", "feature_distance"}
    found = Sensitivity.from_dict("ssim", stored["metrics"]["ssim"] | {"excess": 1.0})
    assert found.is_relative and len(found.frequency) == len(EDGES) - 1
