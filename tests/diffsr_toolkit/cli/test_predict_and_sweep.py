"""``diffsr predict``, ``sweep`` and ``report``: the level foretold, and the levels measured."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from diffsr_toolkit import PAIR, Predictor, SamplingSettings
from diffsr_toolkit.images import load_image, to_planes
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.models import load_card
from diffsr_toolkit.sweeps import read_store
from helpers.cli import Counter, listing, printed, refusal, run
from theory.degradation import Degradation
from theory.prf import PRF

CARD = load_card("embedded")
PREDICTOR = Predictor(CARD.schedule, CARD)


def test_predict_speaks_and_prints_every_number(cheap: Counter, capfd: pytest.CaptureFixture[str]) -> None:
    out = run(capfd, "predict", "--scale", "2.7")
    expected = PREDICTOR.predict(2.7)
    assert expected.explanation in out
    values = printed(out.split("\n", 1)[1])
    for name in ("t_low", "t_opt", "t_high", "snr_opt", "critical_scale"):
        assert values[name] == repr(getattr(expected, name))
    assert values["t_opt_interval"] == "{!r},{!r}".format(*expected.t_opt_interval)
    assert cheap.calls == 0


@pytest.mark.parametrize("options", [[], ["--level", "spectral"], ["--metric", "psnr_y"]])
def test_predict_json_is_the_prediction(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str], options: list[str]
) -> None:
    fields = json.loads(run(capfd, "predict", photo, "--scale", "2,3.5", "--json", *options))
    arguments: dict[str, Any] = {
        key[2:]: value for key, value in zip(options[::2], options[1::2], strict=True)
    }
    expected = PREDICTOR.predict((2.0, 3.5), to_planes(load_image(photo))[0], **arguments)
    numbers = ("t_low", "t_opt", "t_high", "snr_low", "snr_opt", "snr_high", "critical_scale")
    for name in (*numbers, "level", "metric", "explanation", "is_open"):
        assert fields.pop(name) == getattr(expected, name)
    low, high = fields.pop("t_opt_interval")
    assert (low, high) == expected.t_opt_interval and low < expected.t_opt < high
    assert fields.pop("settings") == SamplingSettings().protocol()
    assert fields == {"scale": [2.0, 3.5], "model": "embedded"}


def test_predict_takes_a_degradation(
    cheap: Counter, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = torch.randn(48, 64, 3, generator=torch.Generator().manual_seed(0))
    Image.fromarray((128 + 20 * noise).clamp(0, 255).byte().numpy()).save(tmp_path / "noisy.png")
    told = run(capfd, "predict", tmp_path / "noisy.png", "--scale", 2, "--degradation", "auto")
    assert "noise of 0.15 +-" in told
    given = json.loads(
        run(capfd, "predict", "--scale", 2, "--json", "--degradation", "blur=1.2,noise=0.05,jpeg=40")
    )
    expected = PREDICTOR.predict(2.0, None, Degradation(1.2, 0.05, 40))
    assert given["t_opt"] == expected.t_opt and given["level"] == "spectral"
    plain = run(capfd, "predict", "--scale", 2, "--degradation", "bicubic")
    assert plain == run(capfd, "predict", "--scale", 2)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_predict_json_is_strict(
    cheap: Counter, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    usual = PREDICTOR.predict(2)
    monkeypatch.setattr(PRF, "critical_scale", value)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    fields = json.loads(run(capfd, "predict", "--scale", 2, "--json"), parse_constant=refuse)
    assert fields["critical_scale"] is None
    assert fields["t_opt"] == usual.t_opt


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--scale", "nan"],
        ["--scale", "0.5"],
        ["--scale", "2", "--level", "x"],
        ["--scale", "2", "--level", "model_aware", "--metric", "lr_psnr"],
        ["--scale", "2", "--level", "model_aware", "--model", "fashion"],
        ["--scale", "2", "--eta", "2"],
        ["--scale", "2", "--metric", "x"],
        ["--scale", "2", "--samples", "0"],
        ["--scale", "2", "--degradation", "motion"],
        ["--scale", "2", "--degradation", "blur=-1"],
        ["--scale", "2", "--degradation", "auto"],
    ],
)
def test_predict_refuses(cheap: Counter, capfd: pytest.CaptureFixture[str], options: list[str]) -> None:
    refusal(capfd, "predict", *options)
    refusal(capfd, "predict", "--json", *options)


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (["--no-consistency"], SamplingSettings(consistency=False)),
        (["--eta", "1"], SamplingSettings(eta=1.0)),
        (["--samples", "2", "--steps", "5", "--eta", "1"], PAIR),
    ],
)
def test_predict_means_the_sampler_that_it_is_told(
    capfd: pytest.CaptureFixture[str], options: list[str], settings: SamplingSettings
) -> None:
    told = json.loads(run(capfd, "predict", "--scale", 4, "--json", *options))
    assert told["t_opt"] == PREDICTOR.predict(4.0, settings=settings).t_opt
    assert told["t_opt"] != PREDICTOR.predict(4.0).t_opt
    assert told["settings"] == settings.protocol()


SWEEP = [
    "--scales",
    "1.6,2",
    "--timesteps",
    "20.5,40",
    "--metrics",
    "psnr_y,ssim",
    "--seeds",
    "0,1",
    "--steps",
    "2",
]


def test_sweep_measures_what_was_asked_and_continues(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = photo.parent / "runs"
    out = run(capfd, "sweep", photo, *SWEEP, "--store", folder)
    calls = 2 * 2 * 2 * 2
    assert cheap.calls == calls
    protocol, rows = read_store(folder)
    assert (protocol["steps"], protocol["metrics"], protocol["model"]) == (2, ["psnr_y", "ssim"], "embedded")
    restored = [row for row in rows if row["method"] == "diffsr"]
    assert {row["t"] for row in restored} == {20.5, 40.0}
    assert {row["scale_y"] for row in restored} == {1.6, 2.0}
    assert {row["seed"] for row in restored} == {0, 1}
    assert {row["image"] for row in rows} == {"in"}
    assert len(restored) == 16
    assert str(folder) in out
    before = listing(folder)
    run(capfd, "sweep", photo, *SWEEP, "--store", folder)
    assert cheap.calls == calls
    assert listing(folder) == before


BAD_SWEEPS = {
    "no scales": [],
    "scale": ["--scales", "2,0.5"],
    "scale nan": ["--scales", "nan"],
    "scales": ["--scales", "2;3"],
    "timesteps": ["--scales", "2", "--timesteps", "20,2000"],
    "timesteps nan": ["--scales", "2", "--timesteps", "nan"],
    "timesteps word": ["--scales", "2", "--timesteps", "some"],
    "metrics": ["--scales", "2", "--metrics", "beauty"],
    "seeds": ["--scales", "2", "--seeds", "0.5"],
    "steps": ["--scales", "2", "--steps", "0"],
    "eta": ["--scales", "2", "--eta", "-1"],
    "samples": ["--scales", "2", "--samples", "0"],
}


@pytest.mark.parametrize("options", BAD_SWEEPS.values(), ids=BAD_SWEEPS)
def test_sweep_refuses_before_it_writes(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str], options: list[str]
) -> None:
    refusal(capfd, "sweep", photo, *options, "--store", photo.parent / "runs")
    assert not (photo.parent / "runs").exists()
    assert cheap.calls == 0


def test_sweep_refuses_two_images_of_one_name_and_a_changed_protocol(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = photo.parent / "runs"
    assert "twice" in refusal(capfd, "sweep", photo, photo, *SWEEP, "--store", folder)
    run(capfd, "sweep", photo, *SWEEP, "--store", folder)
    before = listing(folder)
    assert "steps=2" in refusal(capfd, "sweep", photo, *SWEEP, "--steps", 3, "--store", folder)
    assert listing(folder) == before


def test_report_draws_a_sweep(cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = photo.parent / "runs"
    run(capfd, "sweep", photo, *SWEEP, "--store", folder)
    written = Path(run(capfd, "report", folder).strip())
    assert written.is_relative_to(folder)
    assert METRICS["psnr_y"].label in written.read_text(encoding="utf-8")


def test_report_refuses_what_is_no_sweep(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "protocol.json" in refusal(capfd, "report", tmp_path)
    (tmp_path / "protocol.json").write_text("{}")
    assert "no finished task" in refusal(capfd, "report", tmp_path)
    assert list(listing(tmp_path)) == [str(tmp_path / "protocol.json")]
