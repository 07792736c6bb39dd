"""Judge a trained model: denoising, regeneration of lost detail, unconditional samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from diffsr_toolkit.datasets import BUNDLED, bundled_photograph, photograph
from diffsr_toolkit.files import write_json
from diffsr_toolkit.images import degrade, upsample
from diffsr_toolkit.metrics import FeatureDistance, evaluate, lost_band_power
from diffsr_toolkit.models import Denoiser
from diffsr_toolkit.pipeline import DiffSR
from diffsr_toolkit.restoration import Restorer
from diffsr_toolkit.sampling import sample, step_sigmas
from diffsr_toolkit.settings import PAIR, SamplingSettings
from theory.schedules import NoiseSchedule

NOISE_OF_255 = (15, 25, 50, 75, 100, 150)
"""Noise levels at which denoising is reported, in gray levels as in that literature."""

TIMESTEPS = (10.0, 30.0, 90.0, 240.0)

EVALUATED = {
    "plain": SamplingSettings(consistency=False),
    "consistent": SamplingSettings(),
    "consistent_pair": PAIR,
}
"""Three samplers of ten network evaluations each: plain Diff-SR, and the toolkit's two remedies on top."""


@torch.no_grad()
def denoising_psnr(denoiser: Denoiser, hr: Tensor, noise: float, seed: int = 0) -> float:
    """PSNR (dB) of one denoising step at this noise (of 255), the metric of the denoising literature."""
    sigma = noise / 127.5
    drawn = torch.randn(hr.shape, generator=torch.Generator().manual_seed(seed))
    restored = denoiser((hr + sigma * drawn)[None], torch.tensor([sigma]))[0].clamp(-1, 1)
    return float(-10 * torch.log10(((restored - hr) / 2).square().mean()))


def regenerated_shares(
    restorer: Restorer, photographs: Mapping[str, Tensor], scales: Sequence[float]
) -> list[dict[str, Any]]:
    """Share of the lost band's power that each sampler regenerates, and feature distance beside bicubic's."""
    rows = []
    for name, hr in photographs.items():
        size = (hr.shape[-2], hr.shape[-1])
        for scale in scales:
            lr = degrade(hr, scale)

            def measure(
                restored: Tensor, hr: Tensor = hr, lr: Tensor = lr, scale: float = scale
            ) -> dict[str, float]:
                share = lost_band_power(restored, scale) / lost_band_power(hr, scale)
                values = evaluate(restored, hr, lr, scale, metrics=["psnr_rgb", "feature_distance"])
                return {"lost_band_share": share, **values}

            case = {"image": name, "scale": scale}
            rows.append({**case, "sampler": "bicubic", "t": None, **measure(upsample(lr, size))})
            for sampler, settings in EVALUATED.items():
                for t in TIMESTEPS:
                    restored, _ = restorer.restore(lr, size, t, settings)
                    rows.append({**case, "sampler": sampler, "t": t, **measure(restored)})
    return rows


def sample_sheet(
    denoiser: Denoiser,
    schedule: NoiseSchedule,
    rows: int = 4,
    columns: int = 8,
    side: int = 64,
    steps: int = 100,
) -> Image.Image:
    """Unconditional samples (DDPM steps, seeds from 0) as one picture."""
    generators = [torch.Generator().manual_seed(index) for index in range(rows * columns)]
    sigmas = step_sigmas(schedule, schedule.t_max, steps, spacing="timestep")
    noise = torch.stack([torch.randn(3, side, side, generator=generator) for generator in generators])
    x = noise * float(sigmas[0])
    for state in sample(denoiser, x, sigmas, eta=1.0, generators=generators):
        x = state.x
    grid = ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    grid = grid.reshape(rows, columns, side, side, 3).transpose(0, 2, 1, 3, 4)
    return Image.fromarray(np.ascontiguousarray(grid.reshape(rows * side, columns * side, 3)))


def write_evaluation(model: str, photographs: Sequence[Path], out: Path, side: int = 256) -> None:
    """Write ``evaluation.json`` and ``samples.png`` of a model.

    Parameters
    ----------
    model : str
        See `diffsr_toolkit.models.load_model`.
    photographs : sequence of Path
        For the regeneration; denoising is measured on `BUNDLED`, whole.
    out : Path
        Folder.
    side : int
        Longer side to which the photographs are reduced.
    """
    sr = DiffSR.from_pretrained(model, device="cpu")
    denoising = {
        name: {
            str(noise): round(denoising_psnr(sr.denoiser, bundled_photograph(name), noise), 2)
            for noise in NOISE_OF_255
        }
        for name in BUNDLED
    }
    originals = {path.stem: photograph(path, side) for path in photographs}
    shares = regenerated_shares(sr.restorer, originals, (2.0, 4.0))
    out.mkdir(parents=True, exist_ok=True)
    content = {"denoising_psnr": denoising, "features": FeatureDistance.name, "regeneration": shares}
    write_json(out / "evaluation.json", content)
    sample_sheet(sr.denoiser, sr.schedule).save(out / "samples.png")
