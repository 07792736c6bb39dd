"""The embedded model's architecture and schedule, and its export in diffusers' format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

CHANNELS = (32, 64, 128, 192)
TRAIN_TIMESTEPS = 1000


def make_unet() -> UNet2DModel:
    """Four levels, one residual block each and no attention, so that any image size works."""
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


def export(
    state: dict[str, torch.Tensor], folder: Path, network: Callable[[], UNet2DModel] = make_unet
) -> None:
    """Write a diffusers pipeline folder (safetensors, half precision) with the given weights."""
    unet = network()
    unet.load_state_dict(state)
    DDPMPipeline(unet=unet.half(), scheduler=make_scheduler()).save_pretrained(folder)
