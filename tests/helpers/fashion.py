"""Pictures like Fashion-MNIST's whose class anyone can read."""

from __future__ import annotations

import numpy as np

from diffsr_toolkit.datasets import CLASSES, Split


def bars(count: int, seed: int = 0) -> Split:
    """Pictures whose class is the row of a bright bar."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % len(CLASSES)).astype(np.uint8)
    images = rng.integers(0, 60, size=(count, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 3 : 2 * label + 6] = 230
    return Split(images, labels)
