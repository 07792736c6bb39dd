"""Fashion-MNIST from its Debian package, split so that the test pictures train and calibrate nothing."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diffsr_toolkit.datasets import Split, balanced_subset
from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.training import Photo, fetch

PACKAGE = "dataset-fashion-mnist"
VALIDATION = 5000
"""Last training pictures that are held out for validation."""
SUBSET_PER_CLASS = 100
"""Test pictures of each class that ship with the toolkit."""

_FOLDER = "usr/share/datasets/fashion-mnist"
_LICENCE = f"usr/share/doc/{PACKAGE}/copyright"
_IDX_UINT8 = 8


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes.

    Raises
    ------
    ImageError
        When the file is no such file, or is cut short.

    References
    ----------
    LeCun, Cortes, Burges, "The MNIST database", section "File formats": two zero bytes, the type, the number of
    dimensions, each dimension as a big-endian 32-bit number, then the values in C order.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise ImageError(f"{path} is no readable gzip file ({error}): fetch the package again") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _IDX_UINT8:
        raise ImageError(
            f"{path} starts with {content[:4]!r}, not as an IDX file of unsigned bytes: give another file"
        )
    start = 4 + 4 * content[3]
    announced = content[4:start]
    shape = tuple(int.from_bytes(announced[i : i + 4], "big") for i in range(0, len(announced), 4))
    values = np.frombuffer(content[start:], dtype=np.uint8)
    if len(announced) != 4 * content[3] or len(values) != int(np.prod(shape)):
        raise ImageError(f"{path} holds {len(values)} values, not the {shape} it announces: fetch it again")
    return values.reshape(shape)


def read_splits(folder: Path, validation: int = VALIDATION) -> dict[str, Split]:
    """Read the four IDX files of a folder as the splits ``train``, ``validation`` and ``test``.

    The last ``validation`` training pictures become the validation split.
    """
    official = {
        name: Split(*(read_idx(folder / file) for file in _files(name))) for name in ("train", "t10k")
    }
    cut = len(official["train"]) - validation
    return {
        "train": official["train"][:cut],
        "validation": official["train"][cut:],
        "test": official["t10k"],
    }


def _files(name: str) -> tuple[str, str]:
    return f"{name}-images-idx3-ubyte.gz", f"{name}-labels-idx1-ubyte.gz"


def fetch_package(work: Path) -> dict[str, Path]:
    """Download and unpack the Debian package below ``work``; the paths of its files by name (Debian only)."""
    files = [f"{_FOLDER}/{file}" for name in ("train", "t10k") for file in _files(name)] + [_LICENCE]
    wanted = [Photo(Path(file).name, PACKAGE, f"{PACKAGE}/{file}", "all") for file in files]
    return fetch(wanted, work)


def fetch_splits(work: Path) -> dict[str, Split]:
    """Fetch the Debian package and read its splits."""
    return read_splits(fetch_package(work)[_files("train")[0]].parent)


def save_subset(split: Split, folder: Path, licence: Path) -> None:
    """Write ``test.npz`` and the package's licence beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "test.npz", images=split.images, labels=split.labels)
    shutil.copyfile(licence, folder / "LICENCE")


def write_test_pictures(work: Path, out: Path) -> None:
    """Fetch the data below ``work`` and write the test pictures that ship with the toolkit (Debian only)."""
    subset = balanced_subset(fetch_splits(work)["test"], SUBSET_PER_CLASS)
    save_subset(subset, out, fetch_package(work)["copyright"])
