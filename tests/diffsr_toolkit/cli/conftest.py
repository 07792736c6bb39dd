"""A photograph, and a cheap denoiser in the place of every model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffsr_toolkit import DiffSR
from helpers.cli import LINEAR, Counter


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
