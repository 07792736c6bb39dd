"""How good a denoiser the network is: its squared error beside the linear estimator's, octave by octave."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from diffsr_toolkit.calibration.bands import band_index, band_products
from diffsr_toolkit.noise import image_generator
from diffsr_toolkit.sampling import inject
from diffsr_toolkit.sweeps import Rows
from theory.prf import BANDS

NOISE_LEVELS = tuple(0.01 * 2.0**power for power in range(9))
"""Noise levels sigma of the denoising curve, in units of [-1, 1]."""


@torch.no_grad()
def denoising(
    denoiser: Callable[[Tensor, Tensor], Tensor],
    hr: Tensor,
    noise_levels: Sequence[float] = NOISE_LEVELS,
    seed: int = 0,
) -> Rows:
    """The denoising curve of one picture, beside the linear estimator's.

    Parameters
    ----------
    denoiser : callable
        ``D(x, sigma) -> x0``.
    hr : Tensor
        ``(C, H, W)`` in [-1, 1].
    noise_levels : sequence of float
        sigma of each.
    seed : int
        Of the noise.

    Returns
    -------
    list of dict
        One row a noise level and octave of frequency: ``ratio`` ``r = S_f / sigma^2``, and ``efficiency``, the
        squared error over the linear (Wiener) one, ``S_f / (1 + r)``: below 1 the network knows more than the
        spectrum does.
    """
    rows = []
    index = band_index((hr.shape[-2], hr.shape[-1]), (1.0, 1.0))
    counts = np.bincount(index[index >= 0], minlength=len(BANDS) - 1)
    psd = band_products(hr, hr, index) / np.maximum(counts[: len(BANDS) - 1], 1)
    device = getattr(denoiser, "device", "cpu")
    for sigma in noise_levels:
        noised = inject(hr[None], sigma, [image_generator(seed, hr)])
        error = denoiser(noised.to(device), torch.full((1,), sigma, device=device))[0].cpu() - hr
        squared = band_products(error, error, index) / np.maximum(counts[: len(BANDS) - 1], 1)
        for band in np.flatnonzero(psd > 0):
            ratio = psd[band] / sigma**2
            rows.append(
                {
                    "sigma": sigma,
                    "band": int(band),
                    "ratio": float(ratio),
                    "efficiency": float(squared[band] * (1 + ratio) / psd[band]),
                }
            )
    return rows


def denoising_curve(pictures: Sequence[Rows]) -> dict[str, list[float]]:
    """Geometric mean efficiency by ``r = snr S``, in bins of a factor of four.

    Parameters
    ----------
    pictures : sequence of list of dict
        What `denoising` gave for each; a bin with fewer values than pictures is left out.
    """
    rows = [row for picture in pictures for row in picture]
    bins = np.rint(np.log([row["ratio"] for row in rows]) / np.log(4)).astype(int)
    efficiency = np.log([row["efficiency"] for row in rows])
    powers = [int(power) for power in np.unique(bins) if (bins == power).sum() >= len(pictures)]
    return {
        "ratios": [4.0**power for power in powers],
        "efficiency": [round(float(np.exp(efficiency[bins == power].mean())), 4) for power in powers],
    }
