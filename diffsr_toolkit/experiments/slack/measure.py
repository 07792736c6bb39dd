"""``python -m diffsr_toolkit.experiments.slack.measure``: measure how loose the bounds are, and what restores a patch, as two tables.

The laws: a Gaussian 16 x 16 field with spectrum 2e-4 f^-3; a mixture of three Gaussian 8 x 8 textures (sharp, soft,
flat); and 400 patches of 8 x 8 luminance values cut from scikit-image's photographs. Degradation: bicubic down and
up. A patch of 8 pixels has whole LR sizes only, so its scales are 8/5, 2, 8/3, 4 and (2, 4); the field takes 1.6, 2,
2.7, 4 and (2, 4).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diffsr_toolkit.errors import OutputError
from theory.bounds import Mismatch
from theory.priors import GaussianMixture
from theory.priors import PatchPrior
from theory.priors import check_restoration
from theory.schedules import NoiseSchedule
from theory.priors import GaussianOracle, MixtureOracle, Oracle, PatchOracle, slack_table
from theory.spectra import PowerLaw
from theory.degradation import cubic_weights

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Scale = tuple[float, float]

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee")
TIMESTEPS = (5.0, 20.0, 60.0, 150.0, 300.0, 500.0, 800.0)
SCALES: tuple[Scale, ...] = ((1.6, 1.6), (2.0, 2.0), (2.7, 2.7), (4.0, 4.0), (2.0, 4.0))
SIDE = 8
MIN_STD = 0.05
"""Patches with less contrast are left out: nobody could tell them apart."""

SPECTRUM = PowerLaw(2e-4, 3.0)
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
    for name in PHOTOGRAPHS:
        image = getattr(data, name)()
        grey = 2 * (color.rgb2gray(image) if image.ndim == 3 else image / 255.0) - 1
        found = 0
        while found < per_photograph:
            y, x = (rng.integers(length - SIDE + 1) for length in grey.shape)
            patch = grey[y : y + SIDE, x : x + SIDE]
            if patch.std() >= MIN_STD:
                chosen.append(patch.ravel())
                found += 1
    return np.array(chosen, dtype=np.float64)


def patch_operator(scale: Scale, side: int = SIDE) -> tuple[Array, Scale]:
    """Bicubic down and up of a square patch as a matrix (side^2, side^2), and the scale that whole pixels leave."""
    sizes = [max(1, round(side / s)) for s in scale]
    up_y, up_x = (cubic_weights(n, side) @ cubic_weights(side, n) for n in sizes)
    return np.asarray(np.kron(up_y, up_x), dtype=np.float64), (side / sizes[0], side / sizes[1])


def texture_mixture(side: int = SIDE) -> GaussianMixture:
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


def oracles(cut: Array, scales: Sequence[Scale] = SCALES) -> dict[tuple[str, Scale], Oracle]:
    """The three laws at every scale."""
    found: dict[tuple[str, Scale], Oracle] = {}
    prior, mixture = PatchPrior(cut), texture_mixture()
    for scale in scales:
        field = Mismatch.from_spectrum(SPECTRUM, scale, (16, 16))
        found["gaussian", scale] = GaussianOracle(field)
        matrix, whole = patch_operator(scale)
        found["mixture", whole] = MixtureOracle(mixture, matrix)
        found["patches", whole] = PatchOracle(prior, PatchPrior(cut @ matrix.T))
    return found


def slack_frame(
    cut: Array, scales: Sequence[Scale] = SCALES, timesteps: Sequence[float] = TIMESTEPS
) -> pd.DataFrame:
    """`theory.slack.slack_table` of all oracles on the linear schedule, rounded to 4 significant digits."""
    return _rounded(slack_table(oracles(cut, scales), NoiseSchedule.linear(), timesteps))


def restoration_frame(
    cut: Array, scales: Sequence[Scale] = SCALES, timesteps: Sequence[float] = TIMESTEPS
) -> pd.DataFrame:
    """`theory.patch_restoration.check_restoration` of every scale and timestep, eta 0 and 1, rounded likewise."""
    prior, schedule, rows = PatchPrior(cut), NoiseSchedule.linear(), []
    for scale in scales:
        matrix, whole = patch_operator(scale)
        degraded = PatchPrior(cut @ matrix.T)
        for t in timesteps:
            for eta in (0.0, 1.0):
                check = check_restoration(prior, degraded, schedule.snr(t), steps=20, eta=eta)
                row: dict[str, Any] = {"scale_y": whole[0], "scale_x": whole[1], "t": t, "eta": eta}
                for name, value in asdict(check).items():
                    if isinstance(value, tuple):
                        row[name], row[f"{name}_std_error"] = value
                    else:
                        row[name] = value
                rows.append(row)
    return _rounded(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the tables.

    Raises
    ------
    OutputError
        If a table cannot be written.
    """
    parser = argparse.ArgumentParser(prog="python -m diffsr_toolkit.experiments.slack.measure", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="CSV file of bound over truth")
    parser.add_argument("--restoration", type=Path, help="CSV file of what the reverse process restores")
    parser.add_argument("--patches", type=int, default=100, help="patches per photograph (default 100)")
    options = parser.parse_args(arguments)
    cut = patches(options.patches)
    tables = {options.out: slack_frame}
    if options.restoration:
        tables[options.restoration] = restoration_frame
    for path, build in tables.items():
        frame = build(cut)
        try:
            frame.to_csv(path, index=False)
        except OSError as error:
            raise OutputError(
                f"cannot write {path}: {error}. Give a file in a folder that exists."
            ) from error
        print(f"{path}: {len(frame)} rows")


def _rounded(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows)
    numbers = frame.select_dtypes("number").columns
    frame[numbers] = frame[numbers].map(lambda value: float(f"{value:.4g}"))
    return frame


if __name__ == "__main__":
    main()
