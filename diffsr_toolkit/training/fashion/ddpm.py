"""Train the unconditional diffusion model of Fashion-MNIST, on one thread of a CPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from diffusers import UNet2DModel

from diffsr_toolkit.datasets import SIDE, Split
from diffsr_toolkit.training import Recipe, train
from diffsr_toolkit.training.fashion.data import fetch_splits

CHANNELS = (32, 48, 64)

RECIPE = Recipe(
    minutes=35.0, batch=32, workers=1, crop=SIDE, lr=1e-3, decay_from=0.5, timestep_power=1.25, augment=False
)
"""Unlike for photographs every noise level counts, and a shoe points to the left: no flips."""


def make_fashion_unet() -> UNet2DModel:
    """Three levels of 28, 14 and 7 pixels, so that nothing is padded; attention at 7 x 7 only."""
    return UNet2DModel(
        sample_size=SIDE,
        in_channels=1,
        out_channels=1,
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * len(CHANNELS),
        up_block_types=("UpBlock2D",) * len(CHANNELS),
        norm_num_groups=8,
        attention_head_dim=32,
        resnet_time_scale_shift="scale_shift",
    )


def write_tiles(split: Split, path: Path) -> Path:
    """Write a split's pictures as the tiles that ``train`` reads, ``(N, 28, 28, 1)`` uint8, in random order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(0).permutation(len(split))
    np.save(path, split.images[order, :, :, None])
    return path


def train_fashion(work: Path, minutes: float = RECIPE.minutes) -> None:
    """Fetch the data below ``work`` and train there, in ``ddpm/``; resumes by itself (Debian only)."""
    splits = fetch_splits(work)
    tiles = {name: write_tiles(splits[name], work / f"{name}.npy") for name in ("train", "validation")}
    recipe = replace(RECIPE, minutes=minutes)
    train(tiles["train"], tiles["validation"], work / "ddpm", recipe, network=make_fashion_unet)
