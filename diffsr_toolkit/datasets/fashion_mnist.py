"""Fashion-MNIST pictures that ship with the toolkit, and the classifier that reads their class."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diffsr_toolkit.errors import ImageError, ModelError
from diffsr_toolkit.resources import data_path

if TYPE_CHECKING:
    from theory.spectra import PowerLaw, RadialPSD

SIDE = 28
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
FEATURES = 64


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


class Classifier(nn.Module):
    """A small convolutional network from ``(B, 1, 28, 28)`` in [-1, 1] to the logits of `CLASSES`."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_block(1, 32), *_block(32, 32), nn.MaxPool2d(2), *_block(32, 64), *_block(64, 64), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 7 * 7, FEATURES), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(FEATURES, len(CLASSES))

    def features(self, x: Tensor) -> Tensor:
        """Penultimate activations, ``(B, 64)``, not negative."""
        out: Tensor = self.body(x)
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Logits, ``(B, 10)``."""
        out: Tensor = self.head(self.features(x))
        return out

    @torch.inference_mode()
    def judge(self, images: Tensor, batch: int = 256) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Predicted classes ``(N,)`` and features ``(N, 64)`` of ``(N, 1, 28, 28)`` pictures in [-1, 1]."""
        features = torch.cat([self.features(part) for part in images.split(batch)])
        return self.head(features).argmax(1).numpy(), features.double().numpy()


def _block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


def load_classifier(folder: Path | None = None) -> Classifier:
    """Load the shipped classifier, or one of the same recipe, ready to judge.

    Raises
    ------
    ModelError
        When the folder holds no such classifier.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = data_path("models", "fashion_classifier") if folder is None else folder
    classifier = Classifier()
    try:
        classifier.load_state_dict(load_file(folder / "classifier.safetensors"))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{folder} holds no Fashion-MNIST classifier ({type(error).__name__}: {error}); "
            "train one with python -m diffsr_toolkit.training.fashion.classifier"
        ) from error
    return classifier.eval()


def fashion_spectrum() -> tuple[PowerLaw, RadialPSD, NDArray[np.float64]]:
    """Power law, radial spectrum and covariance eigenvalues ``(784,)`` of the training pictures in [-1, 1]."""
    from theory.spectra import PowerLaw, RadialPSD

    stored = json.loads(data_path("models", "fashion", "spectrum.json").read_text())
    rings = RadialPSD(*(np.array(stored[key]) for key in ("frequency", "psd", "count")))
    return PowerLaw(**stored["power_law"]), rings, np.array(stored["covariance_eigenvalues"])


def class_gaussians() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means ``(10, 784)`` and variances ``(784,)`` of the training pictures' classes as Gaussians of one covariance.

    In the eigenbasis of the covariance within a class; the means' own mean is 0.
    """
    with np.load(data_path("models", "fashion", "classes.npz"), allow_pickle=False) as arrays:
        return arrays["means"].astype(np.float64), arrays["variances"].astype(np.float64)


def classifier_card(folder: Path | None = None) -> dict[str, Any]:
    """Recipe and measured accuracies that are stored beside the classifier's weights."""
    folder = data_path("models", "fashion_classifier") if folder is None else folder
    return dict(json.loads((folder / "classifier.json").read_text()))
