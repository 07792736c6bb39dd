"""The recipe: learning rates over a run, and batches of crops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffsr_toolkit.training import TILE, Recipe, draw_batch, learning_rate


def test_the_learning_rate_warms_up_holds_and_decays() -> None:
    recipe = Recipe(lr=1.0, warmup_steps=10, decay_from=0.5)
    assert learning_rate(recipe, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(recipe, 99, 0.4) == 1.0
    assert learning_rate(recipe, 99, 0.75) == pytest.approx(0.5)
    assert learning_rate(recipe, 99, 1.0) == 0.0


def test_a_batch_holds_crops_of_the_tiles() -> None:
    tiles = np.full((4, TILE, TILE, 3), 255, dtype=np.uint8)
    batch = draw_batch(tiles, Recipe(batch=6, workers=2, crop=16), np.random.default_rng(0))
    assert batch.shape == (3, 3, 16, 16) and torch.equal(batch, torch.ones_like(batch))
