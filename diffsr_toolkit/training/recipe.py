"""One training run's hyper-parameters, and the batches and learning rates that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass
class Recipe:
    """Hyper-parameters of one training run; stored beside its checkpoint.

    Attributes
    ----------
    minutes : float
        Training time on the machine at hand; the learning rate is a function of its elapsed share.
    batch : int
        Crops a step, all workers together.
    workers : int
        Processes of one thread each.
    crop : int
        Side of the square crops, in pixels.
    lr : float
        Largest learning rate.
    warmup_steps : int
        Over which it rises.
    decay_from : float
        Elapsed share, in [0, 1], after which the learning rate falls linearly to zero.
    ema : float
        Decay of the moving average, after its warm-up.
    timestep_power : float
        Timesteps are drawn as ``1000 * u**timestep_power``: 3 puts three quarters below t = 420, where
        super-resolution works.
    augment : bool
        Flip and transpose crops at random; off for pictures with an upright and a left.
    seed : int
    """

    minutes: float = 80.0
    batch: int = 16
    workers: int = 2
    crop: int = 64
    lr: float = 8e-4
    warmup_steps: int = 200
    decay_from: float = 0.65
    ema: float = 0.999
    timestep_power: float = 3.0
    augment: bool = True
    seed: int = 0


def learning_rate(recipe: Recipe, step: int, progress: float) -> float:
    """Warm up by steps, hold, then decay linearly with the elapsed share ``progress``."""
    warm = min(1.0, (step + 1) / recipe.warmup_steps)
    decay = min(1.0, max(0.0, (1.0 - progress) / (1.0 - recipe.decay_from)))
    return recipe.lr * warm * decay


def draw_batch(tiles: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> torch.Tensor:
    """One worker's random crops, flips and transposes: ``(n, C, crop, crop)`` float32 in [-1, 1]."""
    picks = []
    for index in rng.integers(len(tiles), size=recipe.batch // recipe.workers):
        top, left = rng.integers(tiles.shape[1] - recipe.crop + 1, size=2)
        crop = tiles[index, top : top + recipe.crop, left : left + recipe.crop]
        if recipe.augment and rng.random() < 0.5:
            crop = crop[:, ::-1]
        if recipe.augment and rng.random() < 0.5:
            crop = crop.transpose(1, 0, 2)
        picks.append(crop)
    return to_network(np.stack(picks))


def to_network(pixels: np.ndarray) -> torch.Tensor:
    """``(n, H, W, C)`` uint8 to ``(n, C, H, W)`` float32 in [-1, 1]."""
    return torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1.0
