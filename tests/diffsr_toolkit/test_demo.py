from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from diffsr_toolkit import DiffSR
from diffsr_toolkit.demo import RememberingDiffSR, main, photographs
from diffsr_toolkit.errors import ImageError
from theory.schedules import NoiseSchedule


def test_photographs_are_whole_and_reduced():
    tensors, notes = photographs(["chelsea", "astronaut"], 64)
    assert {name: tuple(x.shape) for name, x in tensors.items()} == {
        "chelsea": (3, 43, 64), "astronaut": (3, 64, 64),
    }  # fmt: skip
    assert all(float(x.abs().max()) <= 1 for x in tensors.values())
    assert "43 x 64 pixels, reduced from 300 x 451 with bicubic" in notes[0]


def test_a_photograph_is_never_enlarged():
    tensors, notes = photographs(["chelsea"], 4000)
    assert tuple(tensors["chelsea"].shape) == (3, 300, 451)
    assert "as it is" in notes[0]


@pytest.mark.parametrize(
    ("names", "side", "text"),
    [(["mona"], 64, "mona"), ([], 64, "''"), (["rocket"], 8, "side=8"), (["rocket"] * 2, 64, "twice")],
)
def test_bad_photographs_are_refused(names, side, text):
    with pytest.raises(ImageError, match=text):
        photographs(names, side)


def test_remembered_restorations_equal_fresh_ones():
    calls = []

    def denoiser(x, sigma):
        calls.append(1)
        return x / (1 + sigma.view(-1, 1, 1, 1) ** 2)

    lr = torch.rand((3, 8, 8), generator=torch.Generator().manual_seed(0)) * 2 - 1
    plain = DiffSR(denoiser, NoiseSchedule.linear())
    remembering = RememberingDiffSR(denoiser, NoiseSchedule.linear())
    for settings in ({"seed": 0}, {"seed": 1}, {"seed": 0, "steps": 3}, {"seed": 0, "eta": 1.0}):
        expected, nfe = plain.restore(lr, (16, 16), 50.0, **settings)
        remembering.restore(lr, (16, 16), 50.0, **settings)
        before = len(calls)
        found, again = remembering.restore(lr, (16, 16), 50.0, **settings)
        assert len(calls) == before
        assert again == nfe
        assert torch.equal(found, expected)
    assert not torch.equal(remembering.restore(-lr, (16, 16), 50.0)[0], plain.restore(lr, (16, 16), 50.0)[0])


def test_the_demo_end_to_end_and_again(tmp_path, capsys):
    out = tmp_path / "demo"
    arguments = [
        "--out",
        str(out),
        "--images",
        "astronaut",
        "--side",
        "48",
        "--scales",
        "2,3",
        "--steps",
        "2",
    ]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert "48 x 48 pixels, reduced from 512 x 512" in first
    assert "mean |Δt|" in first
    assert "mean regret" in first
    assert str(out / "report.html") in first
    lines = first.splitlines()
    table = [line for line in lines if line.startswith("astronaut ")]
    assert len(table) == 2 * 4
    assert max(map(len, table)) <= 120
    report = (out / "report.html").read_text(encoding="utf-8")
    names = sorted(path.name for path in (out / "figures").iterdir())
    assert "comparison_astronaut_x2.png" in names
    assert report.count("<img ") == len(names) == 2 + 1 + 5 + 1
    assert len(list((out / "images").iterdir())) == 2 * 5
    with Image.open(out / "images" / "astronaut_x3_predicted_t.png") as restored:
        assert restored.size == (48, 48)
        assert np.asarray(restored).std() > 1

    assert main(arguments) == 0
    again = [line for line in capsys.readouterr().out.splitlines() if line.startswith("astronaut ")]
    assert again == table


@pytest.mark.parametrize(
    "arguments",
    [
        ["--images", "mona"],
        ["--side", "4"],
        ["--scales", "0.5"],
        ["--model", "no/such model"],
        ["--steps", "0"],
    ],
)
def test_an_error_is_one_line(tmp_path, capsys, arguments):
    assert main(["--out", str(tmp_path / "demo"), *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
