"""The command run and its output read; a cheap denoiser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from diffsr_toolkit.cli import main
from theory import NoiseSchedule

LINEAR = NoiseSchedule.linear()


class Counter:
    """A cheap denoiser that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return 0.9 * x


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
