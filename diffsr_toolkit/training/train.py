"""Train the embedded model: a fully convolutional DDPM on sharp 64 x 64 crops, resumable, on a CPU.

Several workers of one thread each share the batch and average their gradients: unlike threads that meet
inside every operation, they keep their speed when other programs use the machine.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

CHANNELS = (32, 64, 128, 192)
TRAIN_TIMESTEPS = 1000


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
    """

    minutes: float = 90.0
    batch: int = 16
    workers: int = 2
    crop: int = 64
    lr: float = 8e-4
    warmup_steps: int = 200
    decay_from: float = 0.65
    ema: float = 0.999
    timestep_power: float = 3.0
    seed: int = 0


def make_unet() -> UNet2DModel:
    """The architecture: four levels, one residual block each, no attention, so any size works."""
    return UNet2DModel(
        sample_size=64,
        in_channels=3,
        out_channels=3,
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * len(CHANNELS),
        up_block_types=("UpBlock2D",) * len(CHANNELS),
        norm_num_groups=8,
        add_attention=False,
        resnet_time_scale_shift="scale_shift",
    )


def make_scheduler() -> DDPMScheduler:
    """The linear 1000-step schedule of Ho et al. (2020), noise-predicting, unclipped."""
    return DDPMScheduler(num_train_timesteps=TRAIN_TIMESTEPS, beta_schedule="linear", clip_sample=False)


def learning_rate(recipe: Recipe, step: int, progress: float) -> float:
    """Warm up by steps, hold, then decay linearly with the elapsed share ``progress``."""
    warm = min(1.0, (step + 1) / recipe.warmup_steps)
    decay = min(1.0, max(0.0, (1.0 - progress) / (1.0 - recipe.decay_from)))
    return recipe.lr * warm * decay


def draw_batch(tiles: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> torch.Tensor:
    """Random crops, flips and transposes: ``(batch, 3, crop, crop)`` float32 in [-1, 1]."""
    picks = []
    for index in rng.integers(len(tiles), size=recipe.batch // recipe.workers):
        top, left = rng.integers(tiles.shape[1] - recipe.crop + 1, size=2)
        crop = tiles[index, top : top + recipe.crop, left : left + recipe.crop]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        if rng.random() < 0.5:
            crop = crop.transpose(1, 0, 2)
        picks.append(crop)
    batch = torch.from_numpy(np.ascontiguousarray(np.stack(picks)))
    return batch.permute(0, 3, 1, 2).float() / 127.5 - 1.0


@torch.no_grad()
def validation_loss(unet: UNet2DModel, alphas_cumprod: torch.Tensor, tiles: np.ndarray) -> dict[str, float]:
    """Denoising PSNR (dB, of [0, 1]) of fixed validation crops at sigma = 25, 75 and 150 of 255."""
    hr = torch.from_numpy(tiles[:32, :64, :64].copy()).permute(0, 3, 1, 2).float() / 127.5 - 1.0
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


def export(state: dict[str, torch.Tensor], folder: Path) -> None:
    """Write a diffusers pipeline folder (safetensors, half precision) with the given weights."""
    unet = make_unet()
    unet.load_state_dict(state)
    DDPMPipeline(unet=unet.half(), scheduler=make_scheduler()).save_pretrained(folder)


def average_gradients(unet: UNet2DModel, elapsed: float) -> float:
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


def train(tiles: Path, validation: Path, out: Path, recipe: Recipe) -> None:
    """Train until ``recipe.minutes`` are used, checkpointing every two minutes; resumes by itself."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": os.environ.get("MASTER_PORT", "29531")}
    mp.start_processes(_worker, (tiles, validation, out, recipe), nprocs=recipe.workers)


def _worker(rank: int, tiles_path: Path, validation_path: Path, out: Path, recipe: Recipe) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=recipe.workers)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, log = out / "checkpoint.pt", out / "log.csv"
    tiles, held_out = np.load(tiles_path, mmap_mode="r"), np.load(validation_path, mmap_mode="r")
    torch.manual_seed(recipe.seed)
    unet, averaged = make_unet(), make_unet()
    averaged.load_state_dict(unet.state_dict())
    optimizer = torch.optim.AdamW(unet.parameters(), lr=recipe.lr, betas=(0.9, 0.99), weight_decay=1e-3)
    alphas_cumprod = make_scheduler().alphas_cumprod
    step, elapsed = 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        unet.load_state_dict(saved["unet"])
        averaged.load_state_dict(saved["ema"])
        optimizer.load_state_dict(saved["optimizer"])
        step, elapsed = saved["step"], saved["elapsed"]
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2))
    rng = np.random.default_rng([recipe.seed, step, rank])
    noise_rng = torch.Generator().manual_seed((recipe.seed * 1_000_003 + step) * recipe.workers + rank)

    losses: list[float] = []
    last, saved_at, shared = time.perf_counter(), elapsed, elapsed
    while shared < 60 * recipe.minutes:
        rate = learning_rate(recipe, step, shared / (60 * recipe.minutes))
        for group in optimizer.param_groups:
            group["lr"] = rate
        hr = draw_batch(tiles, recipe, rng)
        noise = torch.randn(hr.shape, generator=noise_rng)
        uniform = torch.rand(len(hr), generator=noise_rng)
        timesteps = (TRAIN_TIMESTEPS * uniform**recipe.timestep_power).long().clamp(max=TRAIN_TIMESTEPS - 1)
        abar = alphas_cumprod[timesteps].view(-1, 1, 1, 1)
        with torch.autocast("cpu", torch.bfloat16):
            eps = unet(abar.sqrt() * hr + (1 - abar).sqrt() * noise, timesteps).sample
        loss = (eps.float() - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        # Every decision rests on the shared clock, so that no worker leaves the loop alone.
        shared = average_gradients(unet, elapsed)
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        decay = min(recipe.ema, (step + 1) / (step + 10))
        with torch.no_grad():
            for mean, value in zip(averaged.parameters(), unet.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
        losses.append(loss.item())
        step += 1
        now = time.perf_counter()
        elapsed, last = elapsed + now - last, now
        if shared - saved_at > 120 or shared >= 60 * recipe.minutes:
            saved_at = shared
            if rank > 0:
                continue
            partial = checkpoint.with_suffix(".partial")
            torch.save(
                {
                    "unet": unet.state_dict(),
                    "ema": averaged.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "step": step,
                    "elapsed": elapsed,
                },
                partial,
            )
            os.replace(partial, checkpoint)
            row = {"step": step, "seconds": round(shared), "lr": rate, "loss": round(float(np.mean(losses)), 5)}
            row |= validation_loss(averaged, alphas_cumprod, held_out)
            losses.clear()
            write_header = not log.exists()
            with log.open("a", newline="") as handle:
                writer = csv.DictWriter(handle, row.keys(), lineterminator="\n")
                if write_header:
                    writer.writeheader()
                writer.writerow(row)
            print(row, flush=True)
    dist.destroy_process_group()
    if rank == 0:
        export(averaged.state_dict(), out / "pipeline")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=Path, required=True, help="training tiles (.npy) from crops.py")
    parser.add_argument("--validation", type=Path, required=True, help="validation tiles (.npy)")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint, log and pipeline")
    parser.add_argument("--minutes", type=float, default=Recipe.minutes)
    parser.add_argument("--lr", type=float, default=Recipe.lr)
    parser.add_argument("--workers", type=int, default=Recipe.workers, help="processes of one thread each")
    args = parser.parse_args()
    recipe = Recipe(minutes=args.minutes, lr=args.lr, workers=args.workers)
    train(args.tiles, args.validation, args.out, recipe)


if __name__ == "__main__":
    main()
