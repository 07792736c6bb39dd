"""Periodic fields, whose coefficients are independent: each is restored on its own, or with its aliases."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.experiments.oracle.cases import OracleCase, field_spectrum
from diffsr_toolkit.experiments.oracle.paths import chain_path, identity_power, same_noise
from diffsr_toolkit.experiments.oracle.quantities import Expected, Row, rows
from diffsr_toolkit.models import WienerDenoiser
from diffsr_toolkit.sampling import inject, sample
from theory.gaussian import (
    GaussianModel,
    alias_model,
    circular_weights,
    ideal_low_pass,
    radial_array,
    run_chain,
)

Array = NDArray[np.float64]

RINGS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.71)


def periodic_batch(case: OracleCase, fields: int, seed: int) -> list[Row]:
    """Restore one batch of periodic fields; what was expected of it beside what was measured."""
    shape = (case.side, case.side)
    generator = torch.Generator().manual_seed(seed)
    psd = radial_array(field_spectrum, shape)
    noise = torch.randn(fields, *shape, generator=generator, dtype=torch.float64)
    hr = torch.fft.ifft2(torch.as_tensor(np.sqrt(psd)) * torch.fft.fft2(noise)).real
    lr_up, expected = _degraded(case, hr, psd, generator)
    start = inject(lr_up[None], float(case.sigmas[0]), [generator])
    noises = map(_spectra, same_noise(generator, hr.shape))
    *_, last = sample(WienerDenoiser(psd, periodic=True), start, case.sigmas, case.settings.eta, [generator])
    path = chain_path(case, psd.ravel(), _spectra(start[0]), noises, expected)
    return rows(expected, _spectra(hr), _spectra(last.x[0]), _spectra(start[0]), path)


def _spectra(images: Tensor) -> NDArray[np.complex128]:
    """Unitary FFT of each field, ``(n, H W)``."""
    return torch.fft.fft2(images.double(), norm="ortho").flatten(1).numpy()


def _degraded(
    case: OracleCase, hr: Tensor, psd: Array, generator: torch.Generator
) -> tuple[Tensor, Expected]:
    """What the sampler starts from, and what the theory makes of it."""
    shape = (case.side, case.side)
    chain = run_chain(case.sigmas, psd, case.settings.eta)
    if case.operator == "ideal":
        kept = ideal_low_pass(shape, case.scale)
        model = GaussianModel(psd, kept, np.zeros(shape), case.sigmas, case.settings.eta)
        power, error = model.output_power, chain.squared_error(kept, psd)
        lr_up = torch.fft.ifft2(torch.as_tensor(kept) * torch.fft.fft2(hr)).real
        up_power = kept * psd
    else:
        blur = _blur(shape, case.blur_sigma)
        linear, groups = alias_model(psd, case.lr_shape, blur, case.noise_std)
        restoration = linear.restore(case.sigmas, case.settings.eta)
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
        up_power = groups.scatter(identity_power(linear))
    return lr_up, Expected(
        psd.ravel(),
        power.ravel(),
        error.ravel(),
        _frequency_bands(case),
        (up_power + case.sigmas[0] ** 2).ravel(),
        chain.gain.ravel(),
        chain.variance.ravel(),
    )


def _blur(shape: tuple[int, int], sigma: float) -> Array:
    fy, fx = (np.fft.fftfreq(n) for n in shape)
    return np.exp(-2 * (np.pi * sigma) ** 2 * (fy[:, None] ** 2 + fx[None] ** 2))


def _frequency_bands(case: OracleCase) -> dict[str, NDArray[np.bool_]]:
    shape = (case.side, case.side)
    surviving = ideal_low_pass(shape, case.scale).ravel() > 0
    radius = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None]).ravel()
    rings = {
        f"ring {low:.1f} to {high:.1f}": (radius >= low) & (radius < high) for low, high in pairwise(RINGS)
    }
    return {"surviving": surviving, "missing": ~surviving, **rings}
