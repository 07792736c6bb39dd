"""An explorer of a model that costs nothing."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from diffsr_toolkit import DiffSR
from diffsr_toolkit.widgets import ScaleExplorer
from helpers.images import walk
from theory.schedules import NoiseSchedule


def clip(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """A denoiser that costs nothing."""
    return x.clamp(-1, 1)


@pytest.fixture(scope="session")
def sr() -> DiffSR:
    return DiffSR(clip, NoiseSchedule.linear(1000), channels=3, name="clip")


@pytest.fixture(scope="session")
def sweep(sr: DiffSR) -> pd.DataFrame:
    images = {"wall": walk(48, 40), "leaf": walk(40, 48)}
    return sr.sweep(images, [2.0, 4.0], [20.0, 60.0, 150.0], steps=1, progress=False)


@pytest.fixture
def explorer(sr: DiffSR, sweep: pd.DataFrame) -> ScaleExplorer:
    made = ScaleExplorer(sr, {"leaf": walk(40, 48), "wall": walk(48, 40)}, sweep)
    made.steps.value = 2
    return made
