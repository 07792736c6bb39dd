"""The photographs: a manifest with credits, splits that are apart, resource files that are unpacked."""

from __future__ import annotations

import csv
import struct
import zlib

import pytest

from diffsr_toolkit.models import load_card
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.training import calibration_set, iter_rcc, read_manifest


def test_nothing_is_calibrated_on_what_is_reported() -> None:
    photos = read_manifest(data_path("training", "manifest.csv"))
    chosen = calibration_set(photos)
    splits = [photo.split for photo in chosen]
    assert (splits.count("validation"), splits.count("train"), len(splits)) == (11, 22, 33)
    used = load_card("embedded").provenance["constants"]["photographs"]
    assert used == sorted(photo.file for photo in chosen)


def resource_file(name: str, content: bytes) -> bytes:
    """A Qt resource collection (version 1) of one zlib-compressed file in one folder."""
    names, offsets = b"", []
    for part in ("pics", name):
        offsets.append(len(names))
        names += struct.pack(">HI", len(part), 0) + part.encode("utf-16-be")
    packed = struct.pack(">I", len(content)) + zlib.compress(content)
    data = struct.pack(">I", len(packed)) + packed
    tree = struct.pack(">IHII", 0, 2, 1, 1)
    tree += struct.pack(">IHII", offsets[0], 2, 1, 2)
    tree += struct.pack(">IHHHI", offsets[1], 1, 0, 0, 0)
    start = 20
    header = b"qres" + struct.pack(">IIII", 1, start, start + len(tree), start + len(tree) + len(data))
    return header + tree + data + names


def test_resource_files_are_unpacked() -> None:
    assert list(iter_rcc(resource_file("a.png", b"pixels" * 50))) == [("/pics/a.png", b"pixels" * 50)]


def test_other_files_are_refused() -> None:
    with pytest.raises(ValueError, match="qres"):
        list(iter_rcc(b"\x89PNG"))


def test_the_manifest_is_credited_and_its_splits_are_apart() -> None:
    photos = read_manifest(data_path("training", "manifest.csv"))
    assert len({photo.file for photo in photos}) == len(photos) == 317
    assert {photo.split for photo in photos} == {"train", "validation", "test"}
    with data_path("training", "credits.csv").open(newline="") as handle:
        credits = {row["file"]: row for row in csv.DictReader(handle)}
    assert set(credits) == {photo.file for photo in photos}
    assert all(row["licence"] and row["copyright"] for row in credits.values())
