"""Measure what each metric charges for losing an octave of a photograph: the metric's own contrast sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.datasets import photograph
from diffsr_toolkit.metrics import evaluate

EDGES: NDArray[np.float64] = 0.5 * 2.0 ** np.arange(-6, 1.01, 0.5)
"""Half octaves from 1/128 cycles per pixel to the corner of the spectrum."""

SHARE = 0.5
"""Share of a band's amplitude that is taken away: a whole band would leave the range where charges add."""

LOSS = {"ssim": lambda value: 1 - value, "feature_distance": lambda value: value}
"""Metrics with a sensitivity of their own, as a loss that is 0 for the original."""


def remove_band(hr: Tensor, low: float, high: float, share: float = SHARE) -> Tensor:
    """The image without `share` of the amplitude of a band of frequency, in cycles per pixel.

    Cosine transform, so that the borders leak nothing into the band.
    """
    from scipy.fft import dctn, idctn

    pixels = np.asarray(hr, dtype=np.float64)
    coefficients = dctn(pixels, axes=(-2, -1), norm="ortho")
    height, width = pixels.shape[-2:]
    f = np.hypot(np.arange(height)[:, None] / (2 * height), np.arange(width)[None] / (2 * width))
    coefficients *= np.where((f >= low) & (f < high), 1 - share, 1.0)
    return torch.from_numpy(idctn(coefficients, axes=(-2, -1), norm="ortho")).float()


def charges(images: Sequence[Tensor], edges: NDArray[np.float64] = EDGES) -> dict[str, Any]:
    """Mean charge per octave, over photographs, of each metric in `LOSS`.

    Returns
    -------
    dict
        Per metric ``frequency`` (geometric band centres, cycles per pixel) and ``octave``: the loss over
        ``SHARE**2`` and the band's width in octaves.
    """
    width = np.diff(np.log2(edges))
    totals = {metric: np.zeros(len(width)) for metric in LOSS}
    for hr in images:
        for band, (low, high) in enumerate(pairwise(edges)):
            # Scale 1 shaves no border; the low-resolution image is not looked at by these metrics.
            values = evaluate(remove_band(hr, low, high), hr, hr, 1.0, metrics=list(LOSS))
            for metric, loss in LOSS.items():
                totals[metric][band] += loss(values[metric]) / SHARE**2 / width[band] / len(images)
    centres = np.sqrt(edges[:-1] * edges[1:])
    return {
        metric: {"frequency": np.round(centres, 5).tolist(), "octave": np.round(total, 5).tolist()}
        for metric, total in totals.items()
    }


def measure_sensitivity(photographs: Sequence[Path], side: int = 160) -> dict[str, Any]:
    """The content of ``data/sensitivity.json``: `charges` on photographs of this longer side, and their names."""
    return {
        "provenance": {
            "photographs": sorted(path.name for path in photographs),
            "longer_side": side,
            "share": SHARE,
        },
        "metrics": charges([photograph(path, side) for path in sorted(photographs)]),
    }
