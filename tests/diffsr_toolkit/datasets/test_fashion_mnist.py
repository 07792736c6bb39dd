"""Fashion-MNIST as it ships: labels belong to their pictures, and levels become the models' range."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.datasets import Split
from diffsr_toolkit.errors import ImageError


def test_labels_must_belong_to_their_images() -> None:
    with pytest.raises(ImageError, match="belong together"):
        Split(np.zeros((3, 4, 4), dtype=np.uint8), np.zeros(2, dtype=np.uint8))


def test_levels_become_the_range_of_the_model() -> None:
    x = Split(np.array([[[0, 255]]], dtype=np.uint8), np.zeros(1, dtype=np.uint8)).tensor()
    assert x.shape == (1, 1, 1, 2) and x.flatten().tolist() == [-1.0, 1.0]
