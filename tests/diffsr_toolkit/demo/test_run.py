"""The demonstration from end to end: what it prints and writes, and what a second run costs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from diffsr_toolkit.demo import main, run_demo
from diffsr_toolkit.restoration import DiffusionRestorer

pytestmark = pytest.mark.slow


@pytest.fixture
def restored(monkeypatch):
    """Timesteps from which the model restored."""
    timesteps = []
    restore = DiffusionRestorer.restore

    def counted(self, lr, size, t, *args, **options):
        timesteps.append(t)
        return restore(self, lr, size, t, *args, **options)

    monkeypatch.setattr(DiffusionRestorer, "restore", counted)
    return timesteps


@pytest.mark.slow
def test_the_demo_end_to_end_and_again(tmp_path, capsys, restored):
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
    with Image.open(out / "images" / "astronaut_x3_predicted_t.png") as picture:
        assert picture.size == (48, 48)
        assert np.asarray(picture).std() > 1
    # The figures took what the sweep had restored.
    assert len(restored) == len(set(restored)) > 10

    written = {
        path: path.read_bytes() for folder in ("figures", "images") for path in (out / folder).iterdir()
    }
    restored.clear()
    assert main(arguments) == 0
    again = [line for line in capsys.readouterr().out.splitlines() if line.startswith("astronaut ")]
    assert again == table
    assert restored == []
    assert {path: path.read_bytes() for path in written} == written


@pytest.mark.slow
def test_a_prediction_that_was_not_measured_is_shown_all_the_same(tmp_path, restored):
    frame = run_demo(
        tmp_path, images=["rocket"], side=32, scales=[2.0], timesteps=[10.0, 500.0], progress=False
    )
    (t_pred,) = frame["t_pred"].unique()
    assert sorted(restored[:2]) == [10.0, 500.0] and restored[2:] == [t_pred]
    assert frame.loc[frame["method"] == "diffsr", "t"].nunique() == 2
    assert (tmp_path / "images" / "rocket_x2_predicted_t.png").exists()


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
