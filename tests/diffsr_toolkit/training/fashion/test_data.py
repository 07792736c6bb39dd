"""Fashion-MNIST's files: read whole or refused, split, and a balanced subset with its licence."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from diffsr_toolkit.datasets import balanced_subset
from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.training.fashion import read_idx, read_splits, save_subset
from helpers.fashion import bars


def write_idx(path: Path, values: np.ndarray) -> Path:
    header = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))
    return path


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
    ids=["no gzip", "no IDX", "other type", "values missing", "header cut", "cut short"],
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
    subset = balanced_subset(bars(57), 5)
    assert np.array_equal(np.bincount(subset.labels), np.full(10, 5))
    with pytest.raises(ImageError, match="at most 5"):
        balanced_subset(bars(57), 6)
    (tmp_path / "copyright").write_text("terms")
    save_subset(subset, tmp_path / "out", tmp_path / "copyright")
    with np.load(tmp_path / "out" / "test.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["images"], subset.images)
    assert (tmp_path / "out" / "LICENCE").read_text() == "terms"
