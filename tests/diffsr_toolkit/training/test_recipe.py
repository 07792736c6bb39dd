"""The recipe: which tiles train, how photographs are found, how training resumes, how it is evaluated."""

from __future__ import annotations

import csv
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from diffsr_toolkit.resources import data_path
from diffsr_toolkit.training import TILE, TileFilter, local_exponent
from diffsr_toolkit.training import lost_band_power
from diffsr_toolkit.training import calibration_set, iter_rcc, read_manifest
from diffsr_toolkit.training import Recipe, Trainer, draw_batch, learning_rate


def texture(exponent: float, contrast: float = 40.0) -> np.ndarray:
    """A Gaussian luminance tile with spectrum ``f^-exponent``."""
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None, :])
    frequency[0, 0] = np.inf
    noise = np.fft.rfft2(np.random.default_rng(0).standard_normal((TILE, TILE)))
    tile = np.fft.irfft2(noise * frequency ** (-exponent / 2), s=(TILE, TILE))
    return 128 + contrast * tile / tile.std()


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
def test_local_exponent_recovers_a_power_law(exponent: float) -> None:
    assert local_exponent(texture(exponent)) == pytest.approx(exponent, abs=0.25)


def test_the_filter_keeps_sharp_tiles_and_drops_blur() -> None:
    rng, keep = np.random.default_rng(0), TileFilter()
    sharp = texture(2.0)
    assert keep.keeps(sharp, rng)
    assert not any(keep.keeps(gaussian_filter(sharp, 3.0) * 1.2, rng) for _ in range(200))


def test_flat_tiles_are_kept_at_their_share() -> None:
    rng, keep = np.random.default_rng(0), TileFilter(flat_share=0.25)
    kept = sum(keep.keeps(np.full((TILE, TILE), 90.0), rng) for _ in range(2000))
    assert 430 < kept < 570


def test_nothing_is_calibrated_on_what_is_reported() -> None:
    photos = read_manifest(data_path("training", "manifest.csv"))
    chosen = calibration_set(photos)
    splits = [photo.split for photo in chosen]
    assert (splits.count("validation"), splits.count("train"), len(splits)) == (11, 22, 33)
    used = json.loads(data_path("calibration.json").read_text())["provenance"]["photographs"]
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


def test_the_learning_rate_warms_up_holds_and_decays() -> None:
    recipe = Recipe(lr=1.0, warmup_steps=10, decay_from=0.5)
    assert learning_rate(recipe, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(recipe, 99, 0.4) == 1.0
    assert learning_rate(recipe, 99, 0.75) == pytest.approx(0.5)
    assert learning_rate(recipe, 99, 1.0) == 0.0


def test_a_batch_holds_crops_of_the_tiles() -> None:
    tiles = np.full((4, TILE, TILE, 3), 255, dtype=np.uint8)
    batch = draw_batch(tiles, Recipe(batch=6, workers=2, crop=16), np.random.default_rng(0))
    assert batch.shape == (3, 3, 16, 16) and torch.equal(batch, torch.ones_like(batch))


def test_training_lowers_the_loss_and_resumes_where_it_stopped(tmp_path: Path) -> None:
    tiles = np.stack([np.repeat(texture(2.0)[..., None], 3, axis=2)] * 2).clip(0, 255).astype(np.uint8)
    recipe = Recipe(batch=2, workers=1, crop=16, lr=2e-3)
    trainer = Trainer(recipe, 0, tmp_path)
    losses = []
    for _ in range(8):
        loss = trainer.loss(tiles)
        loss.backward()
        trainer.update(recipe.lr)
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    trainer.elapsed = 12.5
    trainer.save()
    again = Trainer(recipe, 0, tmp_path)
    assert (again.step, again.elapsed) == (8, 12.5)
    for name, value in trainer.averaged.state_dict().items():
        assert torch.equal(value, again.averaged.state_dict()[name])


def test_lost_band_power_counts_only_what_lies_above_the_cutoff() -> None:
    position = torch.arange(64.0)
    low = torch.cos(2 * torch.pi * 4 / 64 * position).expand(1, 64, 64)
    high = torch.cos(2 * torch.pi * 28 / 64 * position).expand(1, 64, 64)
    both = lost_band_power(low + 0.5 * high, 2.0)
    assert lost_band_power(low, 2.0) < 1e-4 * both
    assert lost_band_power(high, 2.0) == pytest.approx(4 * both, rel=1e-3)
