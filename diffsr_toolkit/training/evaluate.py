"""Judge a trained model: denoising, regeneration of lost detail, unconditional samples."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from diffsr_toolkit.metrics import FeatureDistance
from diffsr_toolkit.images import load_image, to_tensor
from diffsr_toolkit.metrics import evaluate
from diffsr_toolkit.pipeline import PAIR, DiffSR
from diffsr_toolkit.images import degrade, upsample
from diffsr_toolkit.sampling import sample, step_sigmas

LEVELS = (15, 25, 50, 75, 100, 150)
TIMESTEPS = (10.0, 30.0, 90.0, 240.0)
# Three samplers of ten network evaluations each: plain Diff-SR, and the toolkit's two remedies on top.
SAMPLERS: dict[str, dict[str, Any]] = {
    "plain": {"steps": 10, "consistency": False},
    "consistent": {"steps": 10},
    "consistent_pair": PAIR,
}
SCIKIT_IMAGE_PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")


def scikit_image_photo(name: str, side: int | None = None) -> Tensor:
    """A colour photograph of scikit-image, ``(3, H, W)`` in [-1, 1], its longer side reduced to ``side``."""
    from skimage import data

    photo = Image.fromarray(getattr(data, name)())
    return to_tensor(reduced(photo, side) if side else photo)[0]


def reduced(photo: Image.Image, side: int) -> Image.Image:
    """The whole photograph with its longer side reduced to ``side`` pixels (Lanczos)."""
    factor = side / max(photo.size)
    if factor >= 1:
        return photo
    size = (max(1, round(photo.width * factor)), max(1, round(photo.height * factor)))
    return photo.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def denoising_psnr(sr: DiffSR, hr: Tensor, level: float, seed: int = 0) -> float:
    """PSNR (dB) of one denoising step at noise ``level`` (of 255), the metric of the denoising literature."""
    sigma = level / 127.5
    noise = torch.randn(hr.shape, generator=torch.Generator().manual_seed(seed))
    restored = sr.denoiser((hr + sigma * noise)[None], torch.tensor([sigma]))[0].clamp(-1, 1)
    return float(-10 * torch.log10(((restored - hr) / 2).square().mean()))


def lost_band_power(image: Tensor, scale: float) -> float:
    """Power above the cut-off ``1 / (2 scale)`` of a Hann-windowed ``(C, H, W)`` image."""
    height, width = image.shape[-2:]
    window = torch.hann_window(height, periodic=False)[:, None] * torch.hann_window(width, periodic=False)
    power = torch.fft.rfft2((image - image.mean((1, 2), keepdim=True)) * window).abs().square()
    # A tenth beyond the cut-off: the kernel's transition band belongs to neither side.
    cutoff = 1.1 / (2 * scale)
    lost = torch.maximum(torch.fft.fftfreq(height)[:, None].abs(), torch.fft.rfftfreq(width)) > cutoff
    return float(power[:, lost].sum())


def regeneration(sr: DiffSR, photos: dict[str, Tensor], scales: Sequence[float]) -> list[dict[str, Any]]:
    """Share of the lost band's power that each sampler regenerates, and feature distance beside bicubic's."""
    rows = []
    for name, hr in photos.items():
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
            for sampler, settings in SAMPLERS.items():
                for t in TIMESTEPS:
                    restored, _ = sr.restore(lr, size, t, **settings)
                    rows.append({**case, "sampler": sampler, "t": t, **measure(restored)})
    return rows


def sample_sheet(
    sr: DiffSR, rows: int = 4, columns: int = 8, side: int = 64, steps: int = 100
) -> Image.Image:
    """Unconditional samples (DDPM steps, seed 0) as one picture."""
    generators = [torch.Generator().manual_seed(index) for index in range(rows * columns)]
    sigmas = step_sigmas(sr.schedule, sr.schedule.t_max, steps, spacing="timestep")
    noise = torch.stack([torch.randn(3, side, side, generator=generator) for generator in generators])
    x = noise * float(sigmas[0])
    for state in sample(sr.denoiser, x, sigmas, eta=1.0, generators=generators):
        x = state.x
    grid = ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    grid = grid.reshape(rows, columns, side, side, 3).transpose(0, 2, 1, 3, 4)
    return Image.fromarray(np.ascontiguousarray(grid.reshape(rows * side, columns * side, 3)))


def main() -> None:
    """Evaluate from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="validation photographs")
    parser.add_argument("--side", type=int, default=256, help="longer side of the reduced photographs")
    parser.add_argument("--out", type=Path, required=True, help="folder of evaluation.json and samples.png")
    args = parser.parse_args()
    sr = DiffSR.from_pretrained(args.model)
    args.out.mkdir(parents=True, exist_ok=True)
    denoising = {
        name: {str(level): round(denoising_psnr(sr, scikit_image_photo(name), level), 2) for level in LEVELS}
        for name in SCIKIT_IMAGE_PHOTOS
    }
    photos = {path.stem: to_tensor(reduced(load_image(path), args.side))[0] for path in args.photos}
    rows = regeneration(sr, photos, (2.0, 4.0))
    content = {"denoising_psnr": denoising, "features": FeatureDistance.name, "regeneration": rows}
    (args.out / "evaluation.json").write_text(json.dumps(content, indent=1))
    sample_sheet(sr).save(args.out / "samples.png")


if __name__ == "__main__":
    main()
