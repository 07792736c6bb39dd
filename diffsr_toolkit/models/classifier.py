"""The classifier that reads the class of a Fashion-MNIST picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.resources import data_path

FEATURES, CLASSES = 64, 10


class Classifier(nn.Module):
    """A small convolutional network from ``(B, 1, 28, 28)`` in [-1, 1] to the logits of the ten classes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_block(1, 32), *_block(32, 32), nn.MaxPool2d(2), *_block(32, 64), *_block(64, 64), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 7 * 7, FEATURES), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(FEATURES, CLASSES)

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
            "train one with python -m diffsr_toolkit.training fashion-classifier"
        ) from error
    return classifier.eval()


def classifier_card(folder: Path | None = None) -> dict[str, Any]:
    """Recipe and measured accuracies that are stored beside the classifier's weights."""
    folder = data_path("models", "fashion_classifier") if folder is None else folder
    return dict(json.loads((folder / "classifier.json").read_text()))
