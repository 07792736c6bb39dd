"""How much power an image has where super-resolution has to invent it."""

from __future__ import annotations

import torch
from torch import Tensor


def lost_band_power(image: Tensor, scale: float) -> float:
    """Power above the cut-off ``1 / (2 scale)`` of a Hann-windowed ``(C, H, W)`` image.

    Parameters
    ----------
    image : Tensor
        Any range; its mean is of no account.
    scale : float
        At least 1.
    """
    height, width = image.shape[-2:]
    window = torch.hann_window(height, periodic=False)[:, None] * torch.hann_window(width, periodic=False)
    power = torch.fft.rfft2((image - image.mean((1, 2), keepdim=True)) * window).abs().square()
    # A tenth beyond the cut-off: the kernel's transition band belongs to neither side.
    cutoff = 1.1 / (2 * scale)
    lost = torch.maximum(torch.fft.fftfreq(height)[:, None].abs(), torch.fft.rfftfreq(width)) > cutoff
    return float(power[:, lost].sum())
