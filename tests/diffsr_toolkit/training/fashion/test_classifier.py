"""The classifier: mild augmentation, learning, and weights that are stored and read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from diffsr_toolkit.models import load_classifier
from diffsr_toolkit.training.fashion import (
    ClassifierRecipe,
    accuracy,
    augment,
    save_classifier,
    train_classifier,
)
from helpers.fashion import bars


def test_augmentation_changes_half_the_pictures_mildly() -> None:
    x = bars(400).tensor()
    recipe = ClassifierRecipe(flip=False, blur=0.0)
    change = (augment(x, recipe, torch.Generator().manual_seed(0)) - x).square().mean((1, 2, 3)).sqrt()
    assert 0.4 < float((change > 0).float().mean()) < 0.6
    assert float(change.max()) <= 1.1 * recipe.noise
    still = ClassifierRecipe(flip=False, blur=0.0, noise=0.0)
    assert torch.equal(augment(x, still, torch.Generator()), x)
    flipped = augment(x, replace(still, flip=True), torch.Generator().manual_seed(0))
    assert 0.4 < float((flipped == x).all(3).all(2).all(1).float().mean()) < 0.6


def test_a_classifier_learns_is_stored_and_read_back(tmp_path: Path) -> None:
    recipe = ClassifierRecipe(epochs=2, batch=16)
    classifier = train_classifier(bars(400), recipe)
    held_out = bars(200, seed=1)
    assert accuracy(classifier, held_out) > 0.9
    save_classifier(classifier, {"accuracy": 1.0}, tmp_path)
    again = load_classifier(tmp_path)
    assert np.array_equal(again.judge(held_out.tensor())[0], classifier.judge(held_out.tensor())[0])
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ".json"}
