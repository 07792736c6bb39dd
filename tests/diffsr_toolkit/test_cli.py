"""The command ``diffsr``: exact numbers out, one line and nothing written when it refuses."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from diffsr_toolkit import DiffSR, __version__
from diffsr_toolkit.cli import main
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.models import available_models
from diffsr_toolkit.store import read_store
from theory import NoiseSchedule
from theory.degradation import Degradation
from theory.prf import PRF

LINEAR = NoiseSchedule.linear()
HEAVY = {"torch", "diffusers", "numpy", "scipy", "pandas", "PIL", "matplotlib", "sympy"}


class Counter:
    """A cheap denoiser that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return 0.9 * x


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Every model name stands for the cheap denoiser on the linear schedule."""
    counter = Counter()
    monkeypatch.setattr(
        DiffSR, "from_pretrained", classmethod(lambda cls, name="embedded": cls(counter, LINEAR, name=name))
    )
    return counter


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    levels = np.random.default_rng(0).integers(0, 256, (15, 20, 3), dtype=np.uint8)
    Image.fromarray(levels).save(path)
    return path


def run(capfd: pytest.CaptureFixture[str], *argv: object) -> str:
    """Standard output of a command that works."""
    assert main([str(word) for word in argv]) == 0
    return capfd.readouterr().out


def refusal(capfd: pytest.CaptureFixture[str], *argv: object) -> str:
    """The one line of a command that is refused."""
    assert main([str(word) for word in argv]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("diffsr: error: ")
    return err


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def printed(out: str) -> dict[str, str]:
    return dict(re.findall(r"^(?:.* )?(\w+)=(\S+)", out, re.M)) | dict(re.findall(r"(\w+)=(\S+)", out))


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        (["--scale", "2.7"], (41, 54)),
        (["--scale", "2,3.5"], (30, 70)),
        (["--size", "33x20"], (33, 20)),
        (["--scale", "1"], (15, 20)),
    ],
)
def test_upscale_writes_the_size_asked_for(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str], wanted: list[str], size: tuple[int, int]
) -> None:
    target = photo.with_name("out.png")
    out = run(capfd, "upscale", photo, target, *wanted, "--t", 20)
    with Image.open(target) as image:
        assert (image.height, image.width) == size
    assert f"{size[0]}x{size[1]}" in out


def test_upscale_prints_the_numbers_exactly_as_used(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = run(capfd, "upscale", photo, photo.with_name("out.png"), "--scale", 2, "--t", "123.4", "--steps", 7)
    values = printed(out)
    assert values["t"] == "123.4"
    assert values["sigma"] == repr(LINEAR.sigma(123.4))
    assert float(values["snr"]) == pytest.approx(LINEAR.snr(123.4), rel=1e-12)
    assert values["nfe"] == "7"
    assert cheap.calls == 7
    assert "strength" not in out


def test_upscale_predicts_its_timestep_unless_told(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = photo.with_name("out.tif")
    predicted = float(printed(run(capfd, "upscale", photo, target, "--scale", 2))["t"])
    first = target.read_bytes()
    with Image.open(photo) as image:
        assert predicted == DiffSR(Counter(), LINEAR).predict(2.0, image).t_opt
    assert (
        float(printed(run(capfd, "upscale", photo, target, "--scale", 2, "--t", repr(predicted)))["t"])
        == predicted
    )
    assert target.read_bytes() == first


def test_upscale_hands_every_option_on(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = photo.with_name("out.png")

    def result(*options: object) -> bytes:
        run(capfd, "upscale", photo, target, "--scale", 2, "--t", 99, *options)
        with Image.open(target) as image:
            return image.tobytes()

    plain = result()
    assert plain == result("--seed", 0, "--steps", 10, "--eta", 0, "--samples", 1, "--consistency")
    for options in (["--seed", 1], ["--steps", 3], ["--eta", 1], ["--samples", 2], ["--no-consistency"]):
        assert plain != result(*options)
    with Image.open(photo) as image:
        expected = DiffSR(Counter(), LINEAR).upscale(image, 2, t=99, seed=5, steps=3, eta=0.5).image
    assert result("--seed", 5, "--steps", 3, "--eta", 0.5) == expected.tobytes()


def test_upscale_may_replace_its_output(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(capfd, "upscale", photo, photo, "--scale", 2, "--t", 20)
    with Image.open(photo) as image:
        assert image.size == (40, 30)


BAD_NUMBERS = {
    "scale 0": ["--scale", "0"],
    "scale below 1": ["--scale", "0.99"],
    "scale negative": ["--scale", "-2"],
    "scale nan": ["--scale", "nan"],
    "scale inf": ["--scale", "inf"],
    "scale of three": ["--scale", "2,3,4"],
    "scale pair with nan": ["--scale", "2,nan"],
    "scale word": ["--scale", "big"],
    "scale empty": ["--scale", ""],
    "scale huge": ["--scale", "1e6"],
    "scale astronomic": ["--scale", "1e308"],
    "size word": ["--size", "30"],
    "size real": ["--size", "30.5x40"],
    "size negative": ["--size", "-30x40"],
    "size below the image's": ["--size", "30x10"],
    "size huge": ["--size", "9999999x9999999"],
    "neither": [],
    "both": ["--scale", "2", "--size", "30x40"],
    "t nan": ["--scale", "2", "--t", "nan"],
    "t inf": ["--scale", "2", "--t", "inf"],
    "t negative": ["--scale", "2", "--t", "-1"],
    "t beyond the schedule": ["--scale", "2", "--t", "999.5"],
    "t word": ["--scale", "2", "--t", "much"],
    "steps 0": ["--scale", "2", "--steps", "0"],
    "steps real": ["--scale", "2", "--steps", "2.5"],
    "eta": ["--scale", "2", "--eta", "1.5"],
    "eta nan": ["--scale", "2", "--eta", "nan"],
    "seed": ["--scale", "2", "--seed", "one"],
    "samples": ["--scale", "2", "--samples", "0"],
    "unknown option": ["--scale", "2", "--strength", "0.3"],
    "abbreviation": ["--sc", "2"],
}


@pytest.mark.parametrize("options", BAD_NUMBERS.values(), ids=BAD_NUMBERS)
def test_upscale_refuses_bad_numbers(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str], options: list[str]
) -> None:
    before = listing(photo.parent)
    refusal(capfd, "upscale", photo, photo.with_name("out.png"), *options)
    assert listing(photo.parent) == before
    assert cheap.calls == 0


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        (["--scale", "0.5"], ">= 1"),
        (["--t", "2000", "--scale", "2"], "[0, 999]"),
        (["--eta", "3", "--scale", "2"], "[0, 1]"),
        (["--size", "4x4"], "(15, 20)"),
        (["--scale", "1e6"], "the largest scale that fits is"),
    ],
)
def test_a_refusal_names_the_limit(
    cheap: Counter, photo: Path, capfd: pytest.CaptureFixture[str], options: list[str], limit: str
) -> None:
    assert limit in refusal(capfd, "upscale", photo, photo.with_name("out.png"), *options)


@pytest.mark.parametrize("target", ["absent/out.png", "out.xyz", "out", "folder", "in.png/out.png"])
def test_upscale_refuses_a_bad_output_before_it_loads_a_model(
    photo: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    def fail(*args: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(DiffSR, "from_pretrained", fail)
    (photo.parent / "folder").mkdir()
    before = listing(photo.parent)
    refusal(capfd, "upscale", photo, photo.parent / target, "--scale", 2)
    assert listing(photo.parent) == before


def test_upscale_refuses_alpha_in_jpeg(
    cheap: Counter, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGBA", (4, 4)).save(tmp_path / "in.png")
    assert "JPEG" in refusal(capfd, "upscale", tmp_path / "in.png", tmp_path / "out.jpg", "--scale", 2)
    assert cheap.calls == 0


@pytest.mark.parametrize("command", ["upscale", "predict", "sweep"])
@pytest.mark.parametrize("content", [None, b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_missing_or_corrupt_image_is_named(
    cheap: Counter, tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str, content: bytes | None
) -> None:
    source = tmp_path / "broken.png"
    if content is not None:
        source.write_bytes(content)
    before = listing(tmp_path)
    rest = {
        "upscale": [tmp_path / "out.png", "--scale", 2],
        "predict": ["--scale", 2],
        "sweep": ["--scales", 2, "--store", tmp_path / "runs"],
    }[command]
    assert "broken.png" in refusal(capfd, command, source, *rest)
    assert listing(tmp_path) == before
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", ["upscale", "predict", "sweep"])
def test_an_unknown_model_is_refused(photo: Path, capfd: pytest.CaptureFixture[str], command: str) -> None:
    before = listing(photo.parent)
    rest: dict[str, list[object]] = {
        "upscale": [photo.with_name("out.png"), "--scale", 2],
        "predict": ["--scale", 2],
        "sweep": ["--scales", 2, "--store", photo.parent / "runs"],
    }
    for model in ("nonsense", "owner/absent"):
        assert model in refusal(capfd, command, photo, *rest[command], "--model", model)
    assert listing(photo.parent) == before
    assert not (photo.parent / "runs").exists()


def test_predict_speaks_and_prints_every_number(cheap: Counter, capfd: pytest.CaptureFixture[str]) -> None:
    out = run(capfd, "predict", "--scale", "2.7")
    expected = DiffSR(cheap, LINEAR).predict(2.7)
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
    with Image.open(photo) as image:
        expected = DiffSR(cheap, LINEAR).predict((2.0, 3.5), image, **arguments)
    numbers = ("t_low", "t_opt", "t_high", "snr_low", "snr_opt", "snr_high", "critical_scale")
    for name in (*numbers, "level", "metric", "explanation", "is_open"):
        assert fields.pop(name) == getattr(expected, name)
    low, high = fields.pop("t_opt_interval")
    assert (low, high) == expected.t_opt_interval and low < expected.t_opt < high
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
    expected = DiffSR(cheap, LINEAR).predict(2.0, None, Degradation(1.2, 0.05, 40))
    assert given["t_opt"] == expected.t_opt and given["level"] == "spectral"
    plain = run(capfd, "predict", "--scale", 2, "--degradation", "bicubic")
    assert plain == run(capfd, "predict", "--scale", 2)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_predict_json_is_strict(
    cheap: Counter, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    usual = DiffSR(cheap, LINEAR).predict(2)
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
        ["--scale", "2", "--level", "model_aware"],
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


def test_models_lists_every_model(capfd: pytest.CaptureFixture[str]) -> None:
    lines = run(capfd, "models").splitlines()
    assert lines == [f"{name}: {text}" for name, text in available_models().items()]


def test_an_interruption_is_told_apart(
    photo: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DiffSR, "from_pretrained", interrupt)
    before = listing(photo.parent)
    assert main(["upscale", str(photo), str(photo.with_name("out.png")), "--scale", "2"]) == 130
    assert capfd.readouterr().err == "diffsr: interrupted\n"
    assert listing(photo.parent) == before


@pytest.mark.parametrize("argv", [[], ["restore"], ["--nonsense"]])
def test_a_wrong_command_is_refused(capfd: pytest.CaptureFixture[str], argv: list[str]) -> None:
    refusal(capfd, *argv)


def test_help_and_version(capfd: pytest.CaptureFixture[str]) -> None:
    for argv, expected in (
        (["--version"], __version__),
        (["--help"], "upscale"),
        (["sweep", "--help"], "--store"),
    ):
        with pytest.raises(SystemExit) as end:
            main(argv)
        assert end.value.code == 0
        assert expected in capfd.readouterr().out


def test_a_bug_is_not_hidden(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(DiffSR, "from_pretrained", fail)
    with pytest.raises(ZeroDivisionError):
        main(["predict", "--scale", "2"])


def test_the_command_line_itself_is_light() -> None:
    program = "import sys, diffsr_toolkit.cli as c; c.main(['models', '--x']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert {name.partition(".")[0] for name in done.stdout.split()}.isdisjoint(HEAVY)
    assert done.stderr.count("\n") == 1


def test_the_module_is_the_command_and_gives_its_exit_code() -> None:
    command = [sys.executable, "-m", "diffsr_toolkit"]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"diffsr {__version__}\n")
    done = subprocess.run([*command, "predict", "--scale", "two"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_embedded_model_end_to_end(photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = photo.with_name("out.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["upscale", str(photo), str(target), "--scale", "2.7", "--steps", "2"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert printed(out)["nfe"] == "2"
    with Image.open(target) as image:
        assert image.size == (54, 41)
