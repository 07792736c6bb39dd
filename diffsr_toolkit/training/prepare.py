"""Make the training set: fetch the photographs, cut the tiles, lay out the held-out splits."""

from __future__ import annotations

from pathlib import Path

from diffsr_toolkit.resources import data_path
from diffsr_toolkit.training.crops import build_tiles
from diffsr_toolkit.training.photos import calibration_set, fetch, read_manifest

TILES_PER_PHOTO = {"train": 200, "validation": 40}
"""Most tiles of one photograph, by split."""


def prepare_photographs(work: Path) -> None:
    """Write ``train.npy``, ``validation.npy`` and links to the held-out photographs below a folder (Debian only)."""
    photos = read_manifest(data_path("training", "manifest.csv"))
    paths = fetch(photos, work)
    for split, most in TILES_PER_PHOTO.items():
        files = [paths[photo.file] for photo in photos if photo.split == split]
        print(f"{split}: {build_tiles(files, work / f'{split}.npy', most=most)} tiles")
    held_out = {
        split: [photo for photo in photos if photo.split == split] for split in ("validation", "test")
    }
    for name, chosen in {**held_out, "calibration": calibration_set(photos)}.items():
        folder = work / name
        folder.mkdir(exist_ok=True)
        for photo in chosen:
            link = folder / photo.file
            if not link.exists():
                link.symlink_to(paths[photo.file].resolve())
