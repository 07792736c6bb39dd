"""The solvable model against this project's own sampler: every prediction beside its measurement.

``python -m diffsr_toolkit.experiments.oracle.comparison --out data/gaussian_oracle.csv``
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.models import WienerDenoiser
from diffsr_toolkit.consistency import ITERATIONS
from diffsr_toolkit.experiments.oracle.cases import CASES, SCHEDULE, TIMESTEP, Case, spectrum
from diffsr_toolkit.experiments.oracle.quantities import Expected, FollowedPath, Row, imprecision, pooled, rows
from diffsr_toolkit.pipeline import DiffSR
from diffsr_toolkit.images import resize
from diffsr_toolkit.sampling import State, image_generator, inject, sample
from theory.gaussian import alias_model, circular_weights
from theory.gaussian import follow_chain, run_chain
from theory.gaussian import GaussianModel, ideal_low_pass, radial_array
from theory.gaussian import LinearModel
from theory.degradation import cubic_weights

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

RINGS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.71)
BORDER_FIELDS = 4
"""How many more of the small fields with borders are drawn."""


def compare(
    cases: Sequence[Case] = CASES,
    fields: int = 1024,
    seed: int = 0,
    precision: float = np.inf,
    most_batches: int = 1,
) -> pd.DataFrame:
    """Run the project's sampler with the exact denoiser on Gaussian fields, and compare with the exact theory.

    Parameters
    ----------
    cases : sequence of Case
    fields : int
        Independent fields in a batch of a periodic case, of 64x64 pixels; `BORDER_FIELDS` times as many of 20x20.
    seed : int
        Of the fields and of the sampler's noise; a case's further batches count on from it.
    precision : float
        Standard error, as a share of the prediction, that every quantity of a case is to reach.
    most_batches : int
        Where a case stops all the same.

    Returns
    -------
    DataFrame
        One row a case and quantity (`oracle_rows.rows`): the case, "quantity", "predicted", "measured",
        "standard_error", "relative_difference" = measured / predicted - 1, and "deviation" in standard errors.
    """
    import pandas as pd

    table = []
    for case in cases:
        borders = case.operator == "bicubic_with_borders"
        size = fields * BORDER_FIELDS if borders else fields
        batches: list[list[Row]] = []
        while not batches or (len(batches) < most_batches and imprecision(pooled(batches)) > precision):
            batches.append((_with_borders if borders else _periodic)(case, size, seed + len(batches)))
        sy, sx = case.scale
        head = asdict(case) | {"lr_shape": "x".join(map(str, case.lr_shape)), "scale_y": sy, "scale_x": sx}
        table += [head | {"fields": size * len(batches)} | asdict(row) for row in pooled(batches)]
    frame = pd.DataFrame(table)
    frame["relative_difference"] = frame.measured / frame.predicted - 1
    frame["deviation"] = (frame.measured - frame.predicted) / frame.standard_error
    return frame


def _periodic(case: Case, fields: int, seed: int) -> list[Row]:
    shape = (case.side, case.side)
    generator = torch.Generator().manual_seed(seed)
    psd = radial_array(spectrum, shape)
    noise = torch.randn(fields, *shape, generator=generator, dtype=torch.float64)
    hr = torch.fft.ifft2(torch.as_tensor(np.sqrt(psd)) * torch.fft.fft2(noise)).real
    lr_up, expected = _degraded(case, hr, psd, generator)
    start = inject(lr_up[None], float(case.sigmas[0]), [generator])
    noises = map(_spectra, _same_noise(generator, hr.shape))
    *_, last = sample(WienerDenoiser(psd, periodic=True), start, case.sigmas, case.eta, [generator])
    path = _chain_path(case, psd.ravel(), _spectra(start[0]), noises, expected)
    return rows(expected, _spectra(hr), _spectra(last.x[0]), _spectra(start[0]), path)


def _chain_path(
    case: Case,
    psd: Array,
    state: NDArray[np.complex128],
    noises: Iterable[NDArray[np.complex128]],
    expected: Expected,
) -> FollowedPath:
    """The path of each state; its power by linearity, one unit input at a time."""

    def unit(step: int | None) -> Array:
        draws = [np.full_like(psd, float(step == own)) for own in range(case.steps)]
        first = np.full_like(psd, float(step is None))
        return np.asarray(follow_chain(case.sigmas, psd, case.eta, first, draws))

    assert expected.state_power is not None
    power = unit(None) ** 2 * expected.state_power
    if case.eta > 0:
        power = power + np.sum([unit(step) ** 2 for step in range(case.steps)], axis=0)
    return FollowedPath(follow_chain(case.sigmas, psd, case.eta, state, noises), power)


def _linear_path(
    case: Case, linear: LinearModel, lr: Array, state: Array, noises: Iterable[Array], iterations: int
) -> FollowedPath:
    """As `_chain_path`, where coefficients are not independent."""
    low, m = linear.down.shape

    def unit(lr: Array, state: Array, step: int | None = None) -> Array:
        draws = [np.eye(m) if step == own else np.zeros_like(state) for own in range(case.steps)]
        return np.asarray(linear.follow(case.sigmas, case.eta, iterations, lr, state, draws))

    nothing, none = np.zeros((m, m)), np.zeros((m, low))
    from_lr = unit(np.eye(low), np.asarray(linear.up.T))
    covariance = linear.down @ linear.covariance @ linear.down.T
    power = np.einsum("ik,ij,jk->k", from_lr, covariance, from_lr)
    power = power + case.sigmas[0] ** 2 * np.sum(unit(none, np.eye(m)) ** 2, axis=0)
    if case.eta > 0:
        power = power + sum(np.sum(unit(none, nothing, step) ** 2, axis=0) for step in range(case.steps))
    followed = linear.follow(case.sigmas, case.eta, iterations, lr, state, noises)
    return FollowedPath(followed, np.asarray(power))


def _same_noise(generator: torch.Generator, shape: Sequence[int]) -> Iterator[Tensor]:
    """What the generator is about to draw for images of this shape, without moving it on."""
    twin = torch.Generator()
    twin.set_state(generator.get_state())
    return (torch.randn(*shape, generator=twin) for _ in count())


def _spectra(images: Tensor) -> NDArray[np.complex128]:
    """Unitary FFT of each field, ``(n, H W)``."""
    return torch.fft.fft2(images.double(), norm="ortho").flatten(1).numpy()


def _degraded(case: Case, hr: Tensor, psd: Array, generator: torch.Generator) -> tuple[Tensor, Expected]:
    """What the sampler starts from, and what the theory makes of it."""
    shape = (case.side, case.side)
    chain = run_chain(case.sigmas, psd, case.eta)
    if case.operator == "ideal":
        kept = ideal_low_pass(shape, case.scale)
        model = GaussianModel(psd, kept, np.zeros(shape), case.sigmas, case.eta)
        power, error = model.output_power, chain.squared_error(kept, psd)
        lr_up = torch.fft.ifft2(torch.as_tensor(kept) * torch.fft.fft2(hr)).real
        up_power = kept * psd
    else:
        blur = _blur(shape, case.blur_sigma)
        linear, groups = alias_model(psd, case.lr_shape, blur, case.noise_std)
        restoration = linear.restore(case.sigmas, case.eta)
        power, error = groups.scatter(restoration.output_power), groups.scatter(restoration.squared_error)
        blurred = torch.fft.ifft2(torch.as_tensor(blur) * torch.fft.fft2(hr)).real
        down, up = (
            [torch.as_tensor(circular_weights(*sides)) for sides in pairs]
            for pairs in (
                [(case.side, n) for n in case.lr_shape],
                [(n, case.side) for n in case.lr_shape],
            )
        )
        lr = down[0] @ blurred @ down[1].T
        lr = lr + case.noise_std * torch.randn(lr.shape, generator=generator, dtype=torch.float64)
        lr_up = up[0] @ lr @ up[1].T
        # The start's power is what a sampler that changes nothing returns.
        up_power = groups.scatter(_identity_power(linear))
    return lr_up, Expected(
        psd.ravel(),
        power.ravel(),
        error.ravel(),
        _frequency_bands(case),
        (up_power + case.sigmas[0] ** 2).ravel(),
        chain.gain.ravel(),
        chain.variance.ravel(),
    )


def _identity_power(linear: LinearModel) -> Array:
    whole = linear.up @ linear.down
    noise = linear.noise_std**2 * np.sum(np.abs(linear.up) ** 2, axis=-1)
    diagonal = np.einsum("...ij,...jk,...ik->...i", whole, linear.covariance, np.conj(whole))
    return np.asarray(np.real(diagonal) + noise)


def _blur(shape: tuple[int, int], sigma: float) -> Array:
    fy, fx = (np.fft.fftfreq(n) for n in shape)
    return np.exp(-2 * (np.pi * sigma) ** 2 * (fy[:, None] ** 2 + fx[None] ** 2))


def _frequency_bands(case: Case) -> dict[str, NDArray[np.bool_]]:
    shape = (case.side, case.side)
    surviving = ideal_low_pass(shape, case.scale).ravel() > 0
    radius = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None]).ravel()
    rings = {
        f"ring {low:.1f} to {high:.1f}": (radius >= low) & (radius < high) for low, high in pairwise(RINGS)
    }
    return {"surviving": surviving, "missing": ~surviving, **rings}


class DenseWiener:
    """Posterior mean of a Gaussian image with any covariance ``(H W, H W)``, given by its eigenvectors."""

    def __init__(self, values: Array, vectors: Array) -> None:
        self.values, self.vectors = torch.as_tensor(values), torch.as_tensor(vectors)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0`` from ``x`` ``(B, C, H, W)`` float64 at noise levels ``sigma`` ``(B,)``."""
        noise = sigma.double().view(-1, 1, 1) ** 2
        coefficients = x.flatten(2) @ self.vectors
        return ((coefficients * self.values / (self.values + noise)) @ self.vectors.T).view_as(x)


def border_covariance(side: int) -> Array:
    """Covariance of the pixels of a ``side`` x ``side`` window of an endless field with `spectrum`."""
    period = 4 * side
    correlation = np.fft.ifft2(radial_array(spectrum, (period, period))).real
    index = np.arange(side)
    lag = (index[:, None] - index[None]) % period
    block = correlation[lag[:, None, :, None], lag[None, :, None, :]]
    return np.asarray(block.reshape(side**2, side**2))


def _with_borders(case: Case, fields: int, seed: int) -> list[Row]:
    side = case.side
    values, vectors = np.linalg.eigh(border_covariance(side))
    values = np.maximum(values, 0)
    down, up = (
        np.kron(*(cubic_weights(*sides) for sides in pairs))
        for pairs in ([(side, n) for n in case.lr_shape], [(n, side) for n in case.lr_shape])
    )
    # In the basis of the principal axes the original's coefficients are independent, as frequencies are.
    linear = LinearModel(np.diag(values), down @ vectors, vectors.T @ up)
    iterations = ITERATIONS if case.consistency else 0
    restoration = linear.restore(case.sigmas, case.eta, iterations, case.samples)
    surviving = np.arange(side**2) >= side**2 - down.shape[0]
    bands = {"surviving": surviving, "missing": ~surviving}
    expected = Expected(values, restoration.output_power, restoration.squared_error, bands)
    if not case.consistency and case.samples == 1:
        chain = run_chain(case.sigmas, values, case.eta)
        start_power = _identity_power(linear) + case.sigmas[0] ** 2
        state = (start_power, chain.gain, chain.variance)
        expected = Expected(values, expected.power, expected.squared_error, bands, *state)
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randn(fields, side**2, generator=generator, dtype=torch.float64)
    axes = torch.as_tensor(vectors)
    hr = ((draws * torch.as_tensor(np.sqrt(values))) @ axes.T).view(fields, side, side)
    states: list[State] = []
    lr = resize(hr, case.lr_shape)
    restored, _ = DiffSR(DenseWiener(values, vectors), SCHEDULE).restore(
        lr,
        (side, side),
        TIMESTEP,
        steps=case.steps,
        eta=case.eta,
        seed=seed,
        spacing=case.spacing,
        consistency=case.consistency,
        samples=case.samples,
        callback=states.append,
    )
    images = (hr, restored, states[0].x[0])
    original, result, start = ((image.flatten(1) @ axes).numpy() for image in images)
    path = None
    if case.samples == 1:
        noises = (
            (noise.double().flatten(1) @ axes).numpy()
            for noise in _same_noise(image_generator(seed, lr), hr.shape)
        )
        next(noises)  # the injected one, which the state holds
        path = _linear_path(case, linear, lr.flatten(1).numpy(), start, noises, iterations)
    return rows(expected, original, result, start, path)


def main() -> None:
    """Write the table and print the largest differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the .csv file to write")
    parser.add_argument("--fields", type=int, default=2048, help="periodic fields in a batch of each case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", type=float, default=0.0025, help="standard error to reach, relative")
    parser.add_argument("--most-batches", type=int, default=160)
    args = parser.parse_args()
    table = compare(
        fields=args.fields, seed=args.seed, precision=args.precision, most_batches=args.most_batches
    )
    table.to_csv(args.out, index=False, float_format="%.6g", lineterminator="\n")
    table["kind"] = table.quantity.str.split(",").str[0]
    worst = table.assign(size=table.relative_difference.abs()).sort_values("size").groupby("kind").tail(1)
    print(
        worst[["quantity", "operator", "lr_shape", "steps", "eta", "size", "deviation"]].to_string(
            index=False
        )
    )


if __name__ == "__main__":
    main()
