"""How loose the bounds are, and what restores a patch, where the law of the pictures is known.

The laws: a Gaussian 16 x 16 field with spectrum 2e-4 f^-3; a mixture of three Gaussian 8 x 8 textures (sharp, soft,
flat); and 400 patches of 8 x 8 luminance values cut from scikit-image's photographs. Degradation: bicubic down and
up. A patch of 8 pixels has whole LR sizes only, so its scales are 8/5, 2, 8/3, 4 and (2, 4); the field takes 1.6, 2,
2.7, 4 and (2, 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds import Mismatch
from theory.degradation import cubic_weights
from theory.priors import (
    GaussianMixture,
    GaussianOracle,
    MixtureOracle,
    Oracle,
    PatchOracle,
    PatchPrior,
    check_restoration,
    slack_table,
)
from theory.scale import Scale, ScalePair, as_scale
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

PATCH_SOURCES = ("astronaut", "camera", "chelsea", "coffee")
"""scikit-image's photographs that the patches are cut from."""

TIMESTEPS = (5.0, 20.0, 60.0, 150.0, 300.0, 500.0, 800.0)
_WANTED: tuple[Scale, ...] = (1.6, 2.0, 2.7, 4.0, (2.0, 4.0))
SCALES = tuple(as_scale(scale) for scale in _WANTED)
PATCH_SIDE, FIELD_SIDE = 8, 16
MIN_STD = 0.05
"""Patches with less contrast are left out: nobody could tell them apart."""

FIELD_SPECTRUM = PowerLaw(2e-4, 3.0)
TEXTURES = ((0.5, PowerLaw(2e-3, 2.0)), (0.3, PowerLaw(2e-5, 4.0)), (0.2, PowerLaw(2e-5, 2.0)))
"""Weight and spectrum of the mixture's components."""


def patches(per_photograph: int = 100, seed: int = 0) -> Array:
    """Luminance patches of scikit-image's photographs, at random places.

    Returns
    -------
    ndarray of shape (n, 64)
        In [-1, 1], standard deviation of each at least `MIN_STD`.
    """
    from skimage import color, data

    rng, chosen = np.random.default_rng(seed), []
    for name in PATCH_SOURCES:
        image = getattr(data, name)()
        grey = 2 * (color.rgb2gray(image) if image.ndim == 3 else image / 255.0) - 1
        found = 0
        while found < per_photograph:
            y, x = (rng.integers(length - PATCH_SIDE + 1) for length in grey.shape)
            patch = grey[y : y + PATCH_SIDE, x : x + PATCH_SIDE]
            if patch.std() >= MIN_STD:
                chosen.append(patch.ravel())
                found += 1
    return np.array(chosen, dtype=np.float64)


def patch_operator(scale: ScalePair, side: int = PATCH_SIDE) -> tuple[Array, ScalePair]:
    """Bicubic down and up of a square patch as a matrix (side^2, side^2), and the scale that whole pixels leave."""
    sizes = [max(1, round(side / s)) for s in scale]
    up_y, up_x = (cubic_weights(n, side) @ cubic_weights(side, n) for n in sizes)
    return np.asarray(np.kron(up_y, up_x), dtype=np.float64), ScalePair(side / sizes[0], side / sizes[1])


def texture_mixture(side: int = PATCH_SIDE) -> GaussianMixture:
    """Zero-mean stationary Gaussian textures of `TEXTURES`, with the DC power of the lowest frequency."""
    f = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    f[0, 0] = 1 / side
    lag = (np.arange(side)[:, None] - np.arange(side)[None, :]) % side
    covariances = []
    for _, law in TEXTURES:
        correlation = np.fft.ifft2(law(f)).real
        covariances.append(
            correlation[lag[:, None, :, None], lag[None, :, None, :]].reshape(side**2, side**2)
        )
    weights = np.array([weight for weight, _ in TEXTURES])
    return GaussianMixture(weights, np.zeros((len(weights), side**2)), np.array(covariances))


def oracles(
    cut: Array, scales: Sequence[ScalePair] = SCALES
) -> dict[tuple[str, tuple[float, float]], Oracle]:
    """The three laws at every scale."""
    found: dict[tuple[str, tuple[float, float]], Oracle] = {}
    prior, mixture = PatchPrior(cut), texture_mixture()
    for scale in scales:
        field = Mismatch.from_spectrum(FIELD_SPECTRUM, scale, (FIELD_SIDE, FIELD_SIDE))
        found["gaussian", scale] = GaussianOracle(field)
        matrix, whole = patch_operator(scale)
        found["mixture", whole] = MixtureOracle(mixture, matrix)
        found["patches", whole] = PatchOracle(prior, PatchPrior(cut @ matrix.T))
    return found


def slack_frame(
    cut: Array, scales: Sequence[ScalePair] = SCALES, timesteps: Sequence[float] = TIMESTEPS
) -> pd.DataFrame:
    """`theory.priors.slack_table` of all oracles on the linear schedule, rounded to 4 significant digits."""
    return _rounded(slack_table(oracles(cut, scales), NoiseSchedule.linear(), timesteps))


def restoration_frame(
    cut: Array, scales: Sequence[ScalePair] = SCALES, timesteps: Sequence[float] = TIMESTEPS
) -> pd.DataFrame:
    """`theory.priors.check_restoration` of every scale and timestep, eta 0 and 1, rounded likewise."""
    prior, schedule, rows = PatchPrior(cut), NoiseSchedule.linear(), []
    for scale in scales:
        matrix, whole = patch_operator(scale)
        degraded = PatchPrior(cut @ matrix.T)
        for t in timesteps:
            for eta in (0.0, 1.0):
                check = check_restoration(prior, degraded, schedule.snr(t), steps=20, eta=eta)
                row: dict[str, Any] = {"scale_y": whole.y, "scale_x": whole.x, "t": t, "eta": eta}
                for name, value in asdict(check).items():
                    if isinstance(value, tuple):
                        row[name], row[f"{name}_std_error"] = value
                    else:
                        row[name] = value
                rows.append(row)
    return _rounded(rows)


def _rounded(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows)
    numbers = frame.select_dtypes("number").columns
    frame[numbers] = frame[numbers].map(lambda value: float(f"{value:.4g}"))
    return frame
