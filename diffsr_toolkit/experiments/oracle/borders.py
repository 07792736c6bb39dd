"""Fields with borders, restored by the toolkit's own restorer: resampling, back-projection and averaging included."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.consistency import ITERATIONS
from diffsr_toolkit.experiments.oracle.cases import SCHEDULE, TIMESTEP, OracleCase, field_spectrum
from diffsr_toolkit.experiments.oracle.paths import identity_power, linear_path, same_noise
from diffsr_toolkit.experiments.oracle.quantities import Expected, Row, rows
from diffsr_toolkit.images import resize
from diffsr_toolkit.models import AnyDenoiser
from diffsr_toolkit.noise import image_generator
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.sampling import State
from theory.degradation import cubic_weights
from theory.gaussian import LinearModel, radial_array, run_chain

Array = NDArray[np.float64]


class DenseWiener(AnyDenoiser):
    """Posterior mean of a Gaussian image with any covariance ``(H W, H W)``, given by its eigenvectors."""

    def __init__(self, values: Array, vectors: Array) -> None:
        self.values, self.vectors = torch.as_tensor(values), torch.as_tensor(vectors)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0`` from ``x`` ``(B, C, H, W)`` float64 at noise levels ``sigma`` ``(B,)``."""
        noise = sigma.double().view(-1, 1, 1) ** 2
        coefficients = x.flatten(2) @ self.vectors
        return ((coefficients * self.values / (self.values + noise)) @ self.vectors.T).view_as(x)


def border_covariance(side: int) -> Array:
    """Covariance of the pixels of a ``side`` x ``side`` window of an endless field with `field_spectrum`."""
    period = 4 * side
    correlation = np.fft.ifft2(radial_array(field_spectrum, (period, period))).real
    index = np.arange(side)
    lag = (index[:, None] - index[None]) % period
    block = correlation[lag[:, None, :, None], lag[None, :, None, :]]
    return np.asarray(block.reshape(side**2, side**2))


def border_batch(case: OracleCase, fields: int, seed: int) -> list[Row]:
    """Restore one batch of fields with borders; what was expected of it beside what was measured."""
    side = case.side
    values, vectors = np.linalg.eigh(border_covariance(side))
    values = np.maximum(values, 0)
    down, up = (
        np.kron(*(cubic_weights(*sides) for sides in pairs))
        for pairs in ([(side, n) for n in case.lr_shape], [(n, side) for n in case.lr_shape])
    )
    # In the basis of the principal axes the original's coefficients are independent, as frequencies are.
    linear = LinearModel(np.diag(values), down @ vectors, vectors.T @ up)
    iterations = ITERATIONS if case.settings.consistency else 0
    restoration = linear.restore(case.sigmas, case.settings.eta, iterations, case.settings.samples)
    surviving = np.arange(side**2) >= side**2 - down.shape[0]
    bands = {"surviving": surviving, "missing": ~surviving}
    expected = Expected(values, restoration.output_power, restoration.squared_error, bands)
    if not case.settings.consistency and case.settings.samples == 1:
        chain = run_chain(case.sigmas, values, case.settings.eta)
        start_power = identity_power(linear) + case.sigmas[0] ** 2
        state = (start_power, chain.gain, chain.variance)
        expected = Expected(values, expected.power, expected.squared_error, bands, *state)
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randn(fields, side**2, generator=generator, dtype=torch.float64)
    axes = torch.as_tensor(vectors)
    hr = ((draws * torch.as_tensor(np.sqrt(values))) @ axes.T).view(fields, side, side)
    states: list[State] = []
    lr = resize(hr, case.lr_shape)
    restorer = DiffusionRestorer(DenseWiener(values, vectors), SCHEDULE)
    restored, _ = restorer.restore(
        lr, (side, side), TIMESTEP, case.settings, seed=seed, callback=states.append
    )
    images = (hr, restored, states[0].x[0])
    original, result, start = ((image.flatten(1) @ axes).numpy() for image in images)
    path = None
    if case.settings.samples == 1:
        noises = (
            (noise.double().flatten(1) @ axes).numpy()
            for noise in same_noise(image_generator(seed, lr), hr.shape)
        )
        next(noises)  # the injected one, which the state holds
        path = linear_path(case, linear, lr.flatten(1).numpy(), start, noises, iterations)
    return rows(expected, original, result, start, path)
