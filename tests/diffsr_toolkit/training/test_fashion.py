from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.datasets import CLASSES, Split, balanced_subset, load_classifier
from diffsr_toolkit.models import load_model
from diffsr_toolkit.training.fashion import (
    ClassifierRecipe,
    accuracy,
    augment,
    save_classifier,
    train_classifier,
)
from diffsr_toolkit.training.fashion import read_idx, read_splits, save_subset
from diffsr_toolkit.training.fashion import RECIPE, make_fashion_unet, write_tiles
from diffsr_toolkit.training.fashion import measure_classes, measure_spectrum
from diffsr_toolkit.training import export
from diffsr_toolkit.training import Trainer, draw_batch


def write_idx(path: Path, values: np.ndarray) -> Path:
    header = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))
    return path


def pictures(count: int, seed: int = 0) -> Split:
    """Pictures whose class is the row of a bright bar."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % len(CLASSES)).astype(np.uint8)
    images = rng.integers(0, 60, size=(count, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 3 : 2 * label + 6] = 230
    return Split(images, labels)


def test_an_idx_file_is_read(tmp_path: Path) -> None:
    values = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    assert np.array_equal(read_idx(write_idx(tmp_path / "a.gz", values)), values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plain text", "gzip"),
        (gzip.compress(b"\x89PNG and more"), "IDX"),
        (gzip.compress(bytes([0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0])), "IDX"),
        (gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 7])), "announces"),
        (gzip.compress(bytes([0, 0, 8, 2, 0, 0, 0, 3])), "announces"),
        (gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 7, 7]))[:-6], "gzip"),
    ],
)
def test_a_damaged_idx_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=message):
        read_idx(path)


def test_the_last_training_pictures_are_the_validation_split(tmp_path: Path) -> None:
    for name, count, offset in (("train", 12, 0), ("t10k", 4, 100)):
        images = np.arange(offset, offset + count)[:, None, None] * np.ones((1, 2, 2), dtype=int)
        write_idx(tmp_path / f"{name}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / f"{name}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    splits = read_splits(tmp_path, validation=5)
    assert {name: split.images[:, 0, 0].tolist() for name, split in splits.items()} == {
        "train": list(range(7)),
        "validation": list(range(7, 12)),
        "test": list(range(100, 104)),
    }
    assert splits["validation"].labels.tolist() == [7, 8, 9, 0, 1]


def test_a_subset_is_balanced_and_written_with_its_licence(tmp_path: Path) -> None:
    subset = balanced_subset(pictures(57), 5)
    assert np.array_equal(np.bincount(subset.labels), np.full(10, 5))
    with pytest.raises(ImageError, match="at most 5"):
        balanced_subset(pictures(57), 6)
    (tmp_path / "copyright").write_text("terms")
    save_subset(subset, tmp_path / "out", tmp_path / "copyright")
    with np.load(tmp_path / "out" / "test.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["images"], subset.images)
    assert (tmp_path / "out" / "LICENCE").read_text() == "terms"


def test_labels_must_belong_to_their_images() -> None:
    with pytest.raises(ImageError, match="belong together"):
        Split(np.zeros((3, 4, 4), dtype=np.uint8), np.zeros(2, dtype=np.uint8))


def test_levels_become_the_range_of_the_model() -> None:
    x = Split(np.array([[[0, 255]]], dtype=np.uint8), np.zeros(1, dtype=np.uint8)).tensor()
    assert x.shape == (1, 1, 1, 2) and x.flatten().tolist() == [-1.0, 1.0]


def test_augmentation_changes_half_the_pictures_mildly() -> None:
    x = pictures(400).tensor()
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
    classifier = train_classifier(pictures(400), recipe)
    held_out = pictures(200, seed=1)
    assert accuracy(classifier, held_out) > 0.9
    save_classifier(classifier, {"accuracy": 1.0}, tmp_path)
    again = load_classifier(tmp_path)
    assert np.array_equal(again.judge(held_out.tensor())[0], classifier.judge(held_out.tensor())[0])
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ".json"}


def test_the_recipe_trains_the_network_and_its_export_loads(tmp_path: Path) -> None:
    tiles = np.load(write_tiles(pictures(64), tmp_path / "tiles" / "train.npy"))
    assert tiles.shape == (64, 28, 28, 1)
    recipe = replace(RECIPE, batch=4)
    drawn = draw_batch(tiles, recipe, np.random.default_rng(0))
    originals = {tile.tobytes() for tile in tiles}
    seen = ((drawn + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert all(picture.tobytes() in originals for picture in seen)
    trainer = Trainer(recipe, 0, tmp_path, network=make_fashion_unet)
    losses = []
    for _ in range(6):
        loss = trainer.loss(tiles)
        loss.backward()
        trainer.update(recipe.lr)
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    export(trainer.averaged.state_dict(), tmp_path / "pipeline", make_fashion_unet)
    model = load_model(str(tmp_path / "pipeline"), device="cpu")
    assert model.denoiser.channels == 1 and 28 % model.denoiser.stride == 0
    assert model.denoiser(torch.zeros(1, 1, 28, 28), torch.tensor([1.0])).shape == (1, 1, 28, 28)


def test_the_spectrum_of_white_noise_is_its_variance() -> None:
    rng = np.random.default_rng(0)
    images = np.clip(rng.normal(127.5, 30, size=(1000, 28, 28)), 0, 255).round().astype(np.uint8)
    found = measure_spectrum(Split(images, np.zeros(1000, dtype=np.uint8)))
    variance = (30 / 127.5) ** 2
    # A window's neighbours overlap and the periodogram is symmetric: about an eighth of a ring is independent.
    scatter = 1 / np.sqrt(np.maximum(np.array(found["count"]) / 8, 1000))
    deviation = np.array(found["psd"]) / variance - 1
    # The windowed mean that is removed takes a part of the first ring; 0.02 covers the clipping of levels.
    assert np.all(np.abs(deviation[1:]) < 4.5 * scatter[1:] + 0.02)
    assert found["power_law"]["exponent"] == pytest.approx(0, abs=0.05)
    values = np.array(found["covariance_eigenvalues"])
    assert values.sum() == pytest.approx(784 * variance, rel=0.01) and np.all(np.diff(values) <= 0)


def test_gaussian_classes_are_measured() -> None:
    rng = np.random.default_rng(0)
    centres = rng.uniform(90, 160, size=(3, 4, 4))
    labels = np.repeat(np.arange(3), 4000).astype(np.uint8)
    images = (centres[labels] + rng.normal(0, 12, size=(12_000, 4, 4))).round().astype(np.uint8)
    found = measure_classes(Split(images, labels))
    assert np.allclose(found["variances"], (12 / 127.5) ** 2, rtol=0.1)
    expected = (centres - centres.mean(axis=0)).reshape(3, -1) / 127.5
    gram = found["means"] @ found["means"].T
    assert np.allclose(gram, expected @ expected.T, atol=0.02)
