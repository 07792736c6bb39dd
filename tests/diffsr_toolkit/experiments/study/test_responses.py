"""What the study's other denoisers give back is measured once, under the arm's own sampler, and read by its card."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffsr_toolkit.experiments.study import Arm, arms, responses
from diffsr_toolkit.experiments.study import __main__ as command
from diffsr_toolkit.models import settings_of
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.settings import SamplingSettings

FEW = SamplingSettings(steps=2, consistency=False)


class Toy(Arm):
    """An arm with a denoiser that takes no time."""

    def build(self) -> DiffusionRestorer:
        return DiffusionRestorer(
            lambda x, sigma: x / (1 + sigma.view(-1, 1, 1, 1) ** 2), self.noise_schedule, name="toy"
        )


def test_responses_are_measured_once_and_join_those_of_other_arms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        command, "ARMS", {"one": Toy("one", "one", "toy", FEW), "own": Toy("own", "own", "embedded")}
    )
    monkeypatch.setattr(responses, "SCALES", (2.0,))
    monkeypatch.setattr(responses, "RATIOS", (0.0625, 0.25, 1.0))
    for seed in range(2):
        levels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
        Image.fromarray(levels).resize((48, 40)).save(tmp_path / f"photo{seed}.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "responses.json").write_text('{"older": {}}')
    photos = sorted(map(str, tmp_path.glob("*.png")))
    call = ["--respond", *photos, "--store", str(tmp_path / "store"), "--out", str(out)]
    command.main(call)
    first = json.loads((out / "responses.json").read_text())
    # The embedded model's responses are its card's.
    assert list(first) == ["older", "one"] and first["one"]["sampler"] == FEW.protocol()
    assert not (out / "summary.csv").exists()

    monkeypatch.setattr(DiffusionRestorer, "restore", lambda *_, **__: pytest.fail("measured again"))
    command.main(call)
    assert json.loads((out / "responses.json").read_text()) == first

    (out / "responses.json").write_text(json.dumps({"one": first["one"]}))
    monkeypatch.setattr(arms, "data_path", lambda *parts: out / parts[-1])
    (response,) = Toy("one", "one", "toy", FEW).card().responses
    assert settings_of(response) == FEW and response.model == "toy"
    assert Toy("two", "two", "toy", FEW).card().responses == ()
