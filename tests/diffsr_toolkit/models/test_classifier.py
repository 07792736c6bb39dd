"""The shipped classifier of Fashion-MNIST pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diffsr_toolkit.datasets import CLASSES, shipped_test
from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.models import classifier_card, load_classifier


def test_the_shipped_classifier_reaches_its_stored_accuracy() -> None:
    pictures = shipped_test()
    assert np.array_equal(np.bincount(pictures.labels), np.full(len(CLASSES), 100))
    classes, features = load_classifier().judge(pictures.tensor())
    card = classifier_card()
    assert np.mean(classes == pictures.labels) == pytest.approx(card["accuracy_shipped"], abs=0.002)
    assert card["accuracy"]["test"] > 0.9
    assert features.shape == (1000, 64)


def test_a_missing_classifier_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="classifier"):
        load_classifier(tmp_path)
