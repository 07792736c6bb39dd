"""Train a small DDPM on square uint8 tiles, resumable, on a CPU; the command line trains the embedded model.

Several workers of one thread each share the batch and average their gradients: unlike threads that meet
inside every operation, they keep their speed when other programs use the machine.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from diffusers import UNet2DModel

from diffsr_toolkit.training.model import TRAIN_TIMESTEPS, export, make_scheduler, make_unet

SAVE_SECONDS = 120

Network = Callable[[], UNet2DModel]
"""Makes a fresh network; importable by name, since every worker is a process of its own."""


@dataclass
class Recipe:
    """Hyper-parameters of one training run; stored beside its checkpoint.

    Attributes
    ----------
    minutes : float
        Training time on the machine at hand; the learning rate is a function of its elapsed share.
    batch : int
        Crops a step, all workers together.
    decay_from : float
        Elapsed share, in [0, 1], after which the learning rate falls linearly to zero.
    timestep_power : float
        Timesteps are drawn as ``1000 * u**timestep_power``: 3 puts three quarters below t = 420, where
        super-resolution works.
    augment : bool
        Flip and transpose crops at random; off for pictures with an upright and a left.
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


@torch.no_grad()
def validation_psnr(
    unet: torch.nn.Module, alphas_cumprod: torch.Tensor, tiles: np.ndarray
) -> dict[str, float]:
    """Denoising PSNR (dB) of 32 fixed validation crops at noise 25, 75 and 150 of 255."""
    hr = to_network(tiles[:32, :64, :64])
    scores = {}
    for level in (25, 75, 150):
        sigma = level / 127.5
        timestep = int((alphas_cumprod - 1 / (1 + sigma**2)).abs().argmin())
        noise = torch.randn(hr.shape, generator=torch.Generator().manual_seed(level))
        abar = alphas_cumprod[timestep]
        eps = unet(abar.sqrt() * hr + (1 - abar).sqrt() * noise, timestep).sample
        restored = hr + (noise - eps) * ((1 - abar) / abar).sqrt()
        mse = ((restored.clamp(-1, 1) - hr) / 2).square().mean()
        scores[f"psnr_{level}"] = round(float(-10 * torch.log10(mse)), 3)
    return scores


def average_gradients(unet: torch.nn.Module, elapsed: float) -> float:
    """Replace every worker's gradients by their mean; return the mean elapsed time, equal for all."""
    gradients = [parameter.grad for parameter in unet.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients] + [torch.tensor([elapsed])])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    offset = 0
    for gradient in gradients:
        gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
        offset += gradient.numel()
    return float(flat[-1])


class Trainer:
    """One worker's network, average and optimiser; worker 0 keeps the checkpoint and the log."""

    def __init__(
        self, recipe: Recipe, rank: int, out: Path, init: Path | None = None, network: Network = make_unet
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.out = recipe, out
        self.unet, self.averaged = network(), network()
        if init is not None:
            self.unet.load_state_dict(UNet2DModel.from_pretrained(init, subfolder="unet").state_dict())
        self.averaged.load_state_dict(self.unet.state_dict())
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
        self.averaged.load_state_dict(saved["ema"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.elapsed = saved["step"], saved["elapsed"]

    def loss(self, tiles: np.ndarray) -> torch.Tensor:
        """Mean squared error of the predicted noise on a fresh batch."""
        hr = draw_batch(tiles, self.recipe, self.rng)
        noise = torch.randn(hr.shape, generator=self.noise_rng)
        uniform = torch.rand(len(hr), generator=self.noise_rng)
        timesteps = (TRAIN_TIMESTEPS * uniform**self.recipe.timestep_power).long()
        abar = self.alphas_cumprod[timesteps.clamp(max=TRAIN_TIMESTEPS - 1)].view(-1, 1, 1, 1)
        with torch.autocast("cpu", torch.bfloat16):
            eps = self.unet(abar.sqrt() * hr + (1 - abar).sqrt() * noise, timesteps).sample
        return (eps.float() - noise).square().mean()

    def update(self, rate: float) -> None:
        """One optimiser step at learning rate ``rate``, and the moving average."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        decay = min(self.recipe.ema, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for mean, value in zip(self.averaged.parameters(), self.unet.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
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


def train(
    tiles: Path,
    validation: Path,
    out: Path,
    recipe: Recipe,
    init: Path | None = None,
    network: Network = make_unet,
) -> None:
    """Train until ``recipe.minutes`` are used, checkpointing every two minutes; resumes by itself.

    Parameters
    ----------
    tiles, validation : Path
        ``(N, side, side, C)`` uint8 .npy files.
    out : Path
        Folder of the checkpoint, the log and the finished pipeline.
    recipe : Recipe
    init : Path, optional
        Pipeline folder whose weights a run without a checkpoint starts from, such as the embedded model's.
    network : callable
        Makes the network to train.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1) + "\n")
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29531")
    mp.start_processes(_worker, (tiles, validation, out, recipe, init, network), nprocs=recipe.workers)


def _worker(
    rank: int,
    tiles_path: Path,
    validation_path: Path,
    out: Path,
    recipe: Recipe,
    init: Path | None,
    network: Network,
) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=recipe.workers)
    tiles, held_out = np.load(tiles_path, mmap_mode="r"), np.load(validation_path, mmap_mode="r")
    trainer = Trainer(recipe, rank, out, init, network)
    limit, losses = 60 * recipe.minutes, []
    shared = saved_at = trainer.elapsed
    last = time.perf_counter()
    while shared < limit:
        loss = trainer.loss(tiles)
        loss.backward()
        # Every decision rests on the shared clock, so that no worker leaves the loop alone.
        shared = average_gradients(trainer.unet, trainer.elapsed)
        rate = learning_rate(recipe, trainer.step, shared / limit)
        trainer.update(rate)
        losses.append(loss.item())
        now = time.perf_counter()
        trainer.elapsed, last = trainer.elapsed + now - last, now
        if shared - saved_at > SAVE_SECONDS or shared >= limit:
            saved_at = shared
            if rank == 0:
                trainer.save()
                row = {
                    "step": trainer.step,
                    "seconds": round(shared),
                    "lr": rate,
                    "loss": float(np.mean(losses)),
                }
                trainer.log(row | validation_psnr(trainer.averaged, trainer.alphas_cumprod, held_out))
            losses.clear()
    dist.destroy_process_group()
    if rank == 0:
        export(trainer.averaged.state_dict(), out / "pipeline", network)


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=Path, required=True, help="training tiles (.npy) of prepare")
    parser.add_argument("--validation", type=Path, required=True, help="validation tiles (.npy)")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint, log and pipeline")
    parser.add_argument("--minutes", type=float, default=Recipe.minutes)
    parser.add_argument("--lr", type=float, default=Recipe.lr)
    parser.add_argument("--workers", type=int, default=Recipe.workers, help="processes of one thread each")
    parser.add_argument("--init", type=Path, help="pipeline folder to start from, e.g. data/models/embedded")
    args = parser.parse_args()
    recipe = Recipe(minutes=args.minutes, lr=args.lr, workers=args.workers)
    train(args.tiles, args.validation, args.out, recipe, args.init)


if __name__ == "__main__":
    main()
