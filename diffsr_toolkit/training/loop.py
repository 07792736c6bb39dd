"""Train a small DDPM on square uint8 tiles, resumable, on a CPU.

Several workers of one thread each share the batch and average their gradients: unlike threads that meet
inside every operation, they keep their speed when other programs use the machine.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from diffsr_toolkit.training.model import export, make_unet
from diffsr_toolkit.training.recipe import Recipe, learning_rate, to_network
from diffsr_toolkit.training.trainer import Network, Trainer

SAVE_SECONDS = 120


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
