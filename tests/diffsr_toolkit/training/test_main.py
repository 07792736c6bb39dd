"""The command: each recipe is reached with the arguments it was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffsr_toolkit import training
from diffsr_toolkit.models import load_mixture, load_patches, patch_priors
from diffsr_toolkit.training import Recipe, fashion
from diffsr_toolkit.training.__main__ import main

COMMANDS: dict[str, tuple[Any, str, list[str], tuple[Any, ...], dict[str, Any]]] = {
    "prepare": (training, "prepare_photographs", ["--work", "w"], (Path("w"),), {}),
    "train": (
        training,
        "train",
        [
            "--tiles",
            "t",
            "--validation",
            "v",
            "--out",
            "o",
            "--minutes",
            "3",
            "--lr",
            "0.1",
            "--workers",
            "1",
        ],
        (Path("t"), Path("v"), Path("o"), Recipe(minutes=3, lr=0.1, workers=1), None),
        {},
    ),
    "evaluate": (
        training,
        "write_evaluation",
        ["--model", "m", "--photos", "a", "b", "--out", "o"],
        ("m", [Path("a"), Path("b")], Path("o"), 256),
        {},
    ),
    "patches": (
        training,
        "write_patch_mixture",
        ["--tiles", "t", "--out", "o", "--kept", "7"],
        (Path("t"), Path("o")),
        {"patches": 200_000, "components": 50, "rank": 48, "iterations": 25, "kept": 7, "seed": 0},
    ),
    "fashion-ddpm": (fashion, "train_fashion", ["--work", "w"], (Path("w"), 35.0), {}),
    "fashion-classifier": (
        fashion,
        "write_classifier",
        ["--work", "w", "--out", "o"],
        (Path("w"), Path("o")),
        {},
    ),
    "fashion-spectrum": (
        fashion,
        "write_spectrum",
        ["--work", "w", "--out", "o"],
        (Path("w"), Path("o")),
        {},
    ),
    "fashion-data": (
        fashion,
        "write_test_pictures",
        ["--work", "w", "--out", "o"],
        (Path("w"), Path("o")),
        {},
    ),
}


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_passes_on_what_it_was_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    room, function, arguments, positional, named = COMMANDS[name]
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr(room, function, lambda *args, **kwargs: calls.append((args, kwargs)))
    main([name, *arguments])
    assert calls == [(positional, named)]


def test_patches_are_fitted_and_written_as_they_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "tiles.npy", rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8))
    out = tmp_path / "prior.npz"
    options = ["--patches", "300", "--components", "2", "--rank", "5", "--iterations", "2", "--kept", "20"]
    main(["patches", "--tiles", str(tmp_path / "tiles.npy"), "--out", str(out), *options])
    monkeypatch.setattr(patch_priors, "data_path", lambda *parts: out)
    assert load_mixture().axes.shape == (2, 189, 5) and load_patches().shape == (20, 3, 8, 8)
