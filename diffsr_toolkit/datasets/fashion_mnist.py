"""Fashion-MNIST pictures that ship with the toolkit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.resources import data_path

SIDE = 28
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Split:
    """Pictures with their classes.

    Attributes
    ----------
    images : ndarray of shape (N, H, W), uint8
        Gray levels, 0 is the background.
    labels : ndarray of shape (N,), uint8
        Index into `CLASSES`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or self.labels.shape != self.images.shape[:1]:
            raise ImageError(
                f"images {self.images.shape} and labels {self.labels.shape} do not belong together: "
                "give (N, H, W) and (N,)"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | NDArray[np.int64]) -> Split:
        return Split(self.images[index], self.labels[index])

    def tensor(self) -> Tensor:
        """The pictures as ``(N, 1, H, W)`` float32 in [-1, 1]."""
        return torch.from_numpy(self.images.astype(np.float32))[:, None] / 127.5 - 1.0


def balanced_subset(split: Split, per_class: int) -> Split:
    """The first ``per_class`` pictures of every class, in the order of the split.

    Raises
    ------
    ImageError
        When ``per_class`` is not positive, or a class has fewer pictures.
    """
    picks = [np.flatnonzero(split.labels == label)[:per_class] for label in np.unique(split.labels)]
    fewest = min(len(pick) for pick in picks)
    if per_class < 1 or fewest < per_class:
        raise ImageError(f"per_class={per_class}: give at least 1 and at most {fewest}, the smallest class")
    return split[np.sort(np.concatenate(picks))]


def shipped_test() -> Split:
    """The 1000 test pictures in ``data/fashion_mnist``, 100 of each class."""
    with np.load(data_path("fashion_mnist", "test.npz"), allow_pickle=False) as arrays:
        return Split(arrays["images"], arrays["labels"])
