"""The command ``diffsr`` as a whole: help, models, exit codes, and one line for every mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from diffsr_toolkit import DiffSR, __version__
from diffsr_toolkit.cli import main
from diffsr_toolkit.models import card_names, load_card
from helpers.cli import Counter, listing, refusal, run

HEAVY = {"torch", "diffusers", "numpy", "scipy", "pandas", "PIL", "matplotlib", "sympy"}


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


def test_models_lists_every_model(capfd: pytest.CaptureFixture[str]) -> None:
    lines = run(capfd, "models").splitlines()
    assert lines == [f"{name}: {load_card(name).description}" for name in card_names()]


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
        main(["upscale", str(photo), str(photo.with_name("out.png")), "--scale", "2"])


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
