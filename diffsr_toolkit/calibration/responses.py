"""What a model really gives back: its gain and power, band by band, measured on reference pictures.

The Gaussian theory lets an ideal denoiser regenerate a lost band completely. A network does what it learned: it may
sharpen edges (power that agrees with the original), invent texture (power that does not) or hand the blur back.
Both shares, per band of frequency relative to the cut-off and per noise level relative to the image's power there,
are what the model-aware level of ``theory.prf`` predicts with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from diffsr_toolkit.calibration.bands import band_index, band_products
from diffsr_toolkit.images import degrade, upsample
from diffsr_toolkit.restoration import Restorer
from diffsr_toolkit.settings import SamplingSettings
from diffsr_toolkit.sweeps import Rows
from theory.scale import Scale, as_scale
from theory.spectra import fit_power_law

SCALES: tuple[Scale, ...] = (1.5, 2.0, 3.0, 4.0, 6.0)
"""Scales to measure at."""

RATIOS = tuple(4.0**power for power in range(-4, 6))
"""Noise levels to measure at, as ``r_c = snr S(f_c)`` with each picture's own power at the cut-off."""

DEFAULTS = SamplingSettings()


def regeneration(
    restorer: Restorer,
    hr: Tensor,
    settings: SamplingSettings = DEFAULTS,
    scales: Sequence[Scale] = SCALES,
    ratios: Sequence[float] = RATIOS,
    *,
    seed: int = 0,
) -> Rows:
    """Restore one picture over scales and noise levels and measure each band against the original.

    Parameters
    ----------
    restorer : Restorer
    hr : Tensor
        ``(C, H, W)`` in [-1, 1].
    settings : SamplingSettings
    scales : sequence of float or (sy, sx)
    ratios : sequence of float
        Noise levels ``r_c = snr S(f_c)``; those outside the schedule are left out.
    seed : int

    Returns
    -------
    list of dict
        One row a scale, noise level and band: ``gain`` and ``power`` of the restoration relative to the original's
        power, and ``lr_up_power`` of the upsampled image.
    """
    rows = []
    schedule = restorer.schedule
    low, high = (float(schedule.snr(t)) for t in (schedule.t_max, schedule.t_min))
    # Some denoisers know less noise than the schedule has.
    low = max(low, restorer.denoiser.sigma_max**-2)
    law = fit_power_law(hr.numpy())
    size = (hr.shape[-2], hr.shape[-1])
    for scale in scales:
        factors = as_scale(scale)
        cutoff = float(np.mean(law(0.5 / np.array(factors))))
        lr = degrade(hr, factors)
        lr_up = upsample(lr, size)
        index = band_index(size, factors)
        original, blurred = band_products(hr, hr, index), band_products(lr_up, lr_up, index)
        for ratio in ratios:
            if not low < ratio / cutoff < high:
                continue
            restored, _ = restorer.restore(
                lr, size, float(schedule.t_of_snr(ratio / cutoff)), settings, seed=seed
            )
            power, cross = band_products(restored, restored, index), band_products(restored, hr, index)
            rows += [
                {
                    "scale": float(np.sqrt(np.prod(factors))),
                    "ratio": ratio,
                    "band": int(band),
                    "gain": float(cross[band] / original[band]),
                    "power": float(power[band] / original[band]),
                    "lr_up_power": float(blurred[band] / original[band]),
                }
                for band in np.flatnonzero(original > 0)
            ]
    return rows
