"""Train the classifier that reads the class of a restored Fashion-MNIST picture, on one thread of a CPU."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from diffsr_toolkit.datasets import Split, balanced_subset
from diffsr_toolkit.models import Classifier
from diffsr_toolkit.training import fast_autocast
from diffsr_toolkit.training.fashion.data import SUBSET_PER_CLASS, fetch_splits

_BINOMIAL = torch.tensor([1.0, 2.0, 1.0]).outer(torch.tensor([1.0, 2.0, 1.0])).view(1, 1, 3, 3) / 16


@dataclass(frozen=True)
class ClassifierRecipe:
    """Hyper-parameters; a one-cycle learning rate over a fixed number of epochs.

    Attributes
    ----------
    noise : float
        Largest standard deviation of the noise added to half of the pictures, in units of [-1, 1].
    blur : float
        Largest weight, in [0, 1], of a 3 x 3 binomial blur mixed into half of the pictures. Both make the
        classifier tolerate slight artefacts of a restoration, so that it reads the class and not the texture.
    """

    epochs: int = 8
    batch: int = 128
    lr: float = 4e-3
    weight_decay: float = 1e-2
    noise: float = 0.15
    blur: float = 1.0
    flip: bool = True
    seed: int = 0


def augment(x: Tensor, recipe: ClassifierRecipe, rng: torch.Generator) -> Tensor:
    """Flip, blur and add noise at random to ``(B, 1, H, W)`` pictures in [-1, 1]."""
    flip, blur, level, chosen = torch.rand((4, len(x), 1, 1, 1), generator=rng)
    if recipe.flip:
        x = torch.where(flip < 0.5, x.flip(-1), x)
    blurred = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), _BINOMIAL)
    # Twice a uniform draw less one is positive for half of the pictures, and uniform there.
    x = torch.lerp(x, blurred, recipe.blur * (2 * blur - 1).clamp(min=0))
    level = torch.where(chosen < 0.5, level, torch.zeros_like(level))
    return x + recipe.noise * level * torch.randn(x.shape, generator=rng)


def accuracy(classifier: Classifier, split: Split) -> float:
    """Share of a split's pictures whose class is read correctly."""
    predicted, _ = classifier.eval().judge(split.tensor())
    return float(np.mean(predicted == split.labels))


def train_classifier(train: Split, recipe: ClassifierRecipe) -> Classifier:
    """Train from scratch; the seed decides everything."""
    torch.manual_seed(recipe.seed)
    rng = torch.Generator().manual_seed(recipe.seed)
    classifier = Classifier()
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    batches = len(train) // recipe.batch
    if batches == 0:
        raise ValueError(f"{len(train)} pictures do not fill one batch of {recipe.batch}: reduce the batch")
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.lr, total_steps=recipe.epochs * batches)
    images, labels = train.tensor(), torch.from_numpy(train.labels.astype(np.int64))
    for epoch in range(recipe.epochs):
        classifier.train()
        losses = []
        for picks in torch.randperm(len(train), generator=rng)[: batches * recipe.batch].view(batches, -1):
            batch = augment(images[picks], recipe, rng)
            with fast_autocast():
                logits = classifier(batch)
            loss = F.cross_entropy(logits.float(), labels[picks])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print({"epoch": epoch + 1, "loss": round(float(np.mean(losses)), 4)}, flush=True)
    return classifier.eval()


def save_classifier(classifier: Classifier, card: dict[str, Any], folder: Path) -> None:
    """Write ``classifier.safetensors`` (half precision) and ``classifier.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: _half(value) for name, value in classifier.state_dict().items()}
    partial = folder / "classifier.partial"
    save_file(state, partial)
    os.replace(partial, folder / "classifier.safetensors")
    (folder / "classifier.json").write_text(json.dumps(card, indent=1) + "\n")


def _half(value: Tensor) -> Tensor:
    return value.half().contiguous() if value.is_floating_point() else value


def write_classifier(work: Path, out: Path) -> None:
    """Fetch the data below ``work``, train, measure, and write the classifier and its card (Debian only)."""
    splits, recipe = fetch_splits(work), ClassifierRecipe()
    classifier = train_classifier(splits["train"], recipe)
    # What is measured is what is stored.
    classifier.load_state_dict(
        {name: _half(value).to(value.dtype) for name, value in classifier.state_dict().items()}
    )
    shipped = balanced_subset(splits["test"], SUBSET_PER_CLASS)
    card = {
        "recipe": asdict(recipe),
        "weights": sum(parameter.numel() for parameter in classifier.parameters()),
        "accuracy": {name: accuracy(classifier, splits[name]) for name in ("validation", "test")},
        "accuracy_shipped": accuracy(classifier, shipped),
    }
    print(card)
    save_classifier(classifier, card, out)
