"""One worker's network, its moving average and its optimiser, with a checkpoint to resume from."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DModel
from diffusers.training_utils import EMAModel

from diffsr_toolkit.training.model import TRAIN_TIMESTEPS, make_scheduler, make_unet
from diffsr_toolkit.training.precision import fast_autocast
from diffsr_toolkit.training.recipe import Recipe, draw_batch

Network = Callable[[], UNet2DModel]
"""Makes a fresh network; importable by name, since every worker is a process of its own."""


class WarmAverage(EMAModel):
    """Moving average that forgets its start: of the first ``k`` steps it is nearly the plain mean."""

    def get_decay(self, optimization_step: int) -> float:
        """Decay of the step of this number, which counts from 1."""
        return min(self.decay, optimization_step / (optimization_step + 9))


class Trainer:
    """One worker's network, average and optimiser; worker 0 keeps the checkpoint and the log.

    Parameters
    ----------
    recipe : Recipe
    rank : int
        Of the worker, from 0.
    out : Path
        Folder of the checkpoint, from which training goes on where there is one, and of the log.
    init : Path, optional
        Pipeline folder whose weights a run without a checkpoint starts from.
    network : callable
        Makes the network to train.
    """

    def __init__(
        self, recipe: Recipe, rank: int, out: Path, init: Path | None = None, network: Network = make_unet
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.out, self._network = recipe, out, network
        self.unet = network()
        if init is not None:
            self.unet.load_state_dict(UNet2DModel.from_pretrained(init, subfolder="unet").state_dict())
        self.average = WarmAverage(self.unet.parameters(), decay=recipe.ema)
        self.optimizer = torch.optim.AdamW(
            self.unet.parameters(), lr=recipe.lr, betas=(0.9, 0.99), weight_decay=1e-3
        )
        self.alphas_cumprod = make_scheduler().alphas_cumprod
        self.step, self.elapsed = 0, 0.0
        self._resume()
        self.rng = np.random.default_rng([recipe.seed, self.step, rank])
        noise_seed = (recipe.seed * 1_000_003 + self.step) * recipe.workers + rank
        self.noise_rng = torch.Generator().manual_seed(noise_seed)

    def _resume(self) -> None:
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return
        saved = torch.load(path, weights_only=True)
        self.unet.load_state_dict(saved["unet"])
        averaged = self._network()
        averaged.load_state_dict(saved["ema"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.elapsed = saved["step"], saved["elapsed"]
        self.average = WarmAverage(averaged.parameters(), decay=self.recipe.ema)
        self.average.optimization_step = self.step

    @property
    def averaged(self) -> UNet2DModel:
        """A network with the averaged weights."""
        unet = self._network()
        self.average.copy_to(unet.parameters())
        return unet

    def loss(self, tiles: np.ndarray) -> torch.Tensor:
        """Mean squared error of the predicted noise on a fresh batch."""
        hr = draw_batch(tiles, self.recipe, self.rng)
        noise = torch.randn(hr.shape, generator=self.noise_rng)
        uniform = torch.rand(len(hr), generator=self.noise_rng)
        timesteps = (TRAIN_TIMESTEPS * uniform**self.recipe.timestep_power).long()
        abar = self.alphas_cumprod[timesteps.clamp(max=TRAIN_TIMESTEPS - 1)].view(-1, 1, 1, 1)
        with fast_autocast():
            eps = self.unet(abar.sqrt() * hr + (1 - abar).sqrt() * noise, timesteps).sample
        return (eps.float() - noise).square().mean()

    def update(self, rate: float) -> None:
        """One optimiser step at learning rate ``rate``, and the moving average."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.step(self.unet.parameters())
        self.step += 1

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        partial = self.out / "checkpoint.partial"
        content = {
            "unet": self.unet.state_dict(),
            "ema": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed": self.elapsed,
        }
        torch.save(content, partial)
        os.replace(partial, self.out / "checkpoint.pt")

    def log(self, row: dict[str, Any]) -> None:
        """Append one row to ``log.csv`` and print it."""
        path = self.out / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as handle:
            writer = csv.DictWriter(handle, row.keys(), lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        print(row, flush=True)
