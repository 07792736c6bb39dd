"""The arms: equal noise on every schedule, honest names, and a run of the whole study on toys."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from diffsr_toolkit import DiffSR
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.metrics import METRICS as KNOWN
from diffsr_toolkit.resize import as_scale
from diffsr_toolkit.study import __main__ as command
from diffsr_toolkit.study.arms import ARMS, METRICS, SINGLE, Arm, schedule_of
from diffsr_toolkit.study.predictors import FIXED, HUNDREDS, LEVELS, SPECTRA
from theory.schedule import NoiseSchedule

LINEAR = NoiseSchedule.linear()


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_an_arm_is_complete(arm: Arm) -> None:
    schedule = schedule_of(arm.schedule)
    t = arm.own_timesteps()
    np.testing.assert_allclose(
        schedule.snr(np.array(t)), LINEAR.snr(np.array(arm.timesteps, float)), rtol=1e-6
    )
    assert np.all(np.diff(t) > 0) and schedule.t_min <= t[0] and t[-1] <= schedule.t_max
    # The paper's grid and one neighbour of it lie within what is measured.
    assert arm.timesteps[-1] >= 100
    assert all(min(as_scale(scale)) >= 1 for scale in arm.scales)
    assert {"steps", "eta", "samples"} <= set(arm.sampler)


def test_the_arms_cover_what_the_study_claims() -> None:
    assert next(iter(ARMS)) == "single" and all(arm.name == name for name, arm in ARMS.items())
    assert {arm.denoiser for arm in ARMS.values()} == {"embedded", "wiener", "mixture", "ffdnet"}
    assert {arm.schedule for arm in ARMS.values()} == {"linear", "cosine", "flow_matching"}
    assert {arm.sampler["eta"] for arm in ARMS.values()} == {0.0, 1.0}
    scales = {as_scale(scale) for scale in ARMS["single"].scales}
    assert min(scales)[0] <= 1.3 and (8.0, 8.0) in scales and any(sy != sx for sy, sx in scales)
    assert set(METRICS) <= set(KNOWN)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ToolkitError, match=r"'karras'.*linear, cosine, flow_matching"):
        schedule_of("karras")
    with pytest.raises(ToolkitError, match=r"'magic'.*wiener"):
        Arm("x", "x", "magic", SINGLE).build()


def test_an_analytic_arm_restores_on_its_own_schedule() -> None:
    sr = Arm("x", "x", "wiener", SINGLE, schedule="cosine").build()
    assert sr.name == "wiener" and sr.schedule.name == "cosine" and sr.channels == 3
    assert sr.upscale(torch.zeros(3, 12, 12), 2, t=100.0, steps=2).image.shape == (3, 24, 24)


class Toy(Arm):
    """Any arm with a denoiser that takes no time."""

    def build(self) -> DiffSR:
        return DiffSR(
            lambda x, sigma: x / (1 + sigma.view(-1, 1, 1, 1) ** 2), schedule_of(self.schedule), name="toy"
        )


def test_the_study_measures_once_and_writes_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sampler = SINGLE | {"steps": 2}
    toys = {
        "one": Toy("one", "one", "toy", sampler, scales=(2.0, (2.0, 3.0)), timesteps=(5, 50, 100)),
        "two": Toy(
            "two", "two", "toy", sampler | {"spacing": "timestep"}, schedule="cosine", scales=(2.0,),
            timesteps=(5, 50, 100), photographs=1,
        ),
    }  # fmt: skip
    monkeypatch.setattr(command, "ARMS", toys)
    monkeypatch.setattr(command, "METRICS", ("psnr_y", "lr_psnr"))
    monkeypatch.setattr(command, "SIDE", 32)
    for seed in range(3):
        levels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
        Image.fromarray(levels).resize((48, 40)).save(tmp_path / f"photo{seed}.png")
    photos = sorted(map(str, tmp_path.glob("*.png")))
    arguments = ["study", *photos, "--quiet", "--store", str(tmp_path / "store")]
    monkeypatch.setattr(sys, "argv", arguments)
    command.main()
    assert not (tmp_path / "out").exists() and capsys.readouterr().out == ""

    monkeypatch.setattr(DiffSR, "restore", lambda *_, **__: pytest.fail("measured again"))
    monkeypatch.setattr(sys, "argv", [*arguments, "--out", str(tmp_path / "out")])
    command.main()
    tables = {path.name.partition(".")[0]: pd.read_csv(path) for path in (tmp_path / "out").iterdir()}
    assert set(tables) == {"curves", "cases", "summary", "per_scale", "differences"}
    keys = ["arm", "image", "scale_y", "scale_x", "metric", "t"]
    assert len(tables["curves"]) and not tables["curves"].duplicated(keys).any()
    table = tables["cases"]
    assert len(table) == (3 * 2 + 1) * 2 * (len(LEVELS) * len(SPECTRA) + 2)
    assert table[table["arm"] == "two"]["image"].unique().tolist() == ["photo0"]
    # These toys have no response, so the model-aware level has no row, and nothing else is missing.
    summary = tables["summary"]
    unanswered = {f"model_aware, {spectrum}" for spectrum in SPECTRA}
    assert set(summary["method"]) == set(table["method"]) - unanswered
    ways = 2 * len(SPECTRA) + 2
    assert {HUNDREDS, FIXED} <= set(summary["method"]) and len(summary) == 2 * 2 * ways
    assert len(tables["per_scale"]) == (2 + 1) * 2 * ways
    assert set(tables["differences"]["arm"]) == {"one", "two"}
    assert "regret_percent" in capsys.readouterr().out
