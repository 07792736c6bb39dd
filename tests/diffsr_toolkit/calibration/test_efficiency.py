"""Measuring a response once: resumable, with its provenance, and a denoising curve in bins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from diffsr_toolkit import DiffSR
from diffsr_toolkit.pipeline import PAIR
from diffsr_toolkit.calibration import stored_responses
from diffsr_toolkit.training import respond
from diffsr_toolkit.calibration import SAMPLERS, denoising_curve, measure
from theory.schedules import NoiseSchedule


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


def test_samplers_are_those_that_the_toolkit_offers() -> None:
    assert SAMPLERS["single"] == {"steps": 10, "samples": 1, "eta": 0.0, "consistency": True}
    assert SAMPLERS["pair"] == {**PAIR, "consistency": True}
    assert SAMPLERS["plain"] == {**SAMPLERS["single"], "consistency": False}


def test_a_measurement_is_resumed_and_can_be_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []
    real = respond.regeneration

    def few(sr: DiffSR, hr: torch.Tensor, **sampler: Any) -> list[dict[str, Any]]:
        if len(calls) == 4 and not (tmp_path / "again").exists():
            raise KeyboardInterrupt
        calls.append(sampler)
        return real(sr, hr, [2.0], [0.25, 4.0], **(sampler | {"steps": 2}))

    monkeypatch.setattr(respond, "regeneration", few)
    paths = []
    for seed in range(2):
        levels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(levels).save(tmp_path / f"{seed}.png")
        paths.append(tmp_path / f"{seed}.png")
    sr = DiffSR(lambda x, sigma: x / (1 + sigma.view(-1, 1, 1, 1) ** 2), NoiseSchedule.linear(), name="toy")
    with pytest.raises(KeyboardInterrupt):
        measure(sr, paths, 32, tmp_path / "store")
    (tmp_path / "again").touch()
    found = measure(sr, paths, 32, tmp_path / "store")
    assert calls == [sampler for sampler in SAMPLERS.values() for _ in paths]
    assert found["provenance"]["photographs"] == ["0.png", "1.png"]
    assert found["provenance"]["longer_side"] == 32
    assert len(found["denoising"]["ratios"]) == len(found["denoising"]["efficiency"]) > 2
    (tmp_path / "response.json").write_text(json.dumps(found, allow_nan=False))
    responses = stored_responses(tmp_path)
    assert [response.sampler for response in responses] == list(SAMPLERS.values())
    assert {response.model for response in responses} == {"toy"}
