"""What the theory makes of the very state and noise that the sampler had, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.experiments.oracle.cases import OracleCase
from diffsr_toolkit.experiments.oracle.quantities import Expected, FollowedPath
from theory.gaussian import LinearModel, follow_chain

Array = NDArray[np.float64]


def chain_path(
    case: OracleCase,
    psd: Array,
    state: NDArray[np.complex128],
    noises: Iterable[NDArray[np.complex128]],
    expected: Expected,
) -> FollowedPath:
    """The path of each state; its power by linearity, one unit input at a time."""

    def unit(step: int | None) -> Array:
        draws = [np.full_like(psd, float(step == own)) for own in range(case.settings.steps)]
        first = np.full_like(psd, float(step is None))
        return np.asarray(follow_chain(case.sigmas, psd, case.settings.eta, first, draws))

    assert expected.state_power is not None
    power = unit(None) ** 2 * expected.state_power
    if case.settings.eta > 0:
        power = power + np.sum([unit(step) ** 2 for step in range(case.settings.steps)], axis=0)
    return FollowedPath(follow_chain(case.sigmas, psd, case.settings.eta, state, noises), power)


def linear_path(
    case: OracleCase, linear: LinearModel, lr: Array, state: Array, noises: Iterable[Array], iterations: int
) -> FollowedPath:
    """As `chain_path`, where coefficients are not independent."""
    low, m = linear.down.shape

    def unit(lr: Array, state: Array, step: int | None = None) -> Array:
        draws = [np.eye(m) if step == own else np.zeros_like(state) for own in range(case.settings.steps)]
        return np.asarray(linear.follow(case.sigmas, case.settings.eta, iterations, lr, state, draws))

    nothing, none = np.zeros((m, m)), np.zeros((m, low))
    from_lr = unit(np.eye(low), np.asarray(linear.up.T))
    covariance = linear.down @ linear.covariance @ linear.down.T
    power = np.einsum("ik,ij,jk->k", from_lr, covariance, from_lr)
    power = power + case.sigmas[0] ** 2 * np.sum(unit(none, np.eye(m)) ** 2, axis=0)
    if case.settings.eta > 0:
        power = power + sum(
            np.sum(unit(none, nothing, step) ** 2, axis=0) for step in range(case.settings.steps)
        )
    followed = linear.follow(case.sigmas, case.settings.eta, iterations, lr, state, noises)
    return FollowedPath(followed, np.asarray(power))


def same_noise(generator: torch.Generator, shape: Sequence[int]) -> Iterator[Tensor]:
    """What the generator is about to draw for images of this shape, without moving it on."""
    twin = torch.Generator()
    twin.set_state(generator.get_state())
    return (torch.randn(*shape, generator=twin) for _ in count())


def identity_power(linear: LinearModel) -> Array:
    """Power of the coefficients of an upsampled image that nothing changes."""
    whole = linear.up @ linear.down
    noise = linear.noise_std**2 * np.sum(np.abs(linear.up) ** 2, axis=-1)
    diagonal = np.einsum("...ij,...jk,...ik->...i", whole, linear.covariance, np.conj(whole))
    return np.asarray(np.real(diagonal) + noise)
