"""The reverse process as a generator of its states, in the coordinates ``x = x0 + sigma * noise``.

Every model family is brought to these coordinates by its denoiser's adapter, so one step formula serves
variance-preserving, variance-exploding and flow-matching models alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.errors import TimestepError
from diffsr_toolkit.models import estimate
from diffsr_toolkit.noise import noise_like
from diffsr_toolkit.settings import SamplingSettings

Function = Callable[[Tensor, Tensor], Tensor]
"""``D(x, sigma) -> x0`` estimate, ``x`` ``(B, C, H, W)``, ``sigma`` ``(B,)``."""


@dataclass(frozen=True)
class State:
    """One point of the reverse process.

    Attributes
    ----------
    x : Tensor
        ``(B, C, H, W)`` state at noise level ``sigma``; the restored image when ``sigma`` is 0.
    x0 : Tensor or None
        The denoiser's estimate that led here; None for the injected state.
    sigma : float
        Noise level of ``x``.
    nfe : int
        Network evaluations so far for each image of the batch.
    """

    x: Tensor
    x0: Tensor | None
    sigma: float
    nfe: int


class Step(NamedTuple):
    """What one step gives: the next state, the estimate it rests on, and what it cost in evaluations an image."""

    x: Tensor
    x0: Tensor
    nfe: int


def ddim_step(
    denoiser: Function,
    x: Tensor,
    sigma: float,
    after: float,
    eta: float = 0.0,
    generators: Sequence[torch.Generator] | None = None,
) -> Step:
    """One DDIM step from noise level ``sigma`` to ``after``.

    Notes
    -----
    DDIM's update (Song et al. 2021, eq. 12 and 16) divided by ``alpha`` of the step's end reads

    ``x' = x0 + sqrt(sigma'^2 - up^2) * (x - x0) / sigma + up * z``,
    ``up^2 = eta^2 * sigma'^2 * (sigma^2 - sigma'^2) / sigma^2``.
    """
    x0 = estimate(denoiser, x, torch.full((x.shape[0],), sigma, dtype=torch.float32, device=x.device))
    up = eta * after * np.sqrt(sigma**2 - after**2) / sigma
    down = np.sqrt(after**2 - up**2)
    x = x0 + (down / sigma) * (x - x0)
    if up > 0:
        if generators is None:
            raise TimestepError(f"eta={eta} draws noise: pass one generator for each image")
        x = x + up * noise_like(x, generators)
    return Step(x, x0, 1)


@torch.no_grad()
def sample(
    denoiser: Function,
    x: Tensor,
    sigmas: Sequence[float] | NDArray[np.float64],
    eta: float = 0.0,
    generators: Sequence[torch.Generator] | None = None,
) -> Iterator[State]:
    """Run the reverse process from ``x`` and yield every state, the start included; no gradients are kept.

    Parameters
    ----------
    denoiser : callable
        See `Function`.
    x : Tensor
        Start state at noise level ``sigmas[0]``.
    sigmas : sequence of float
        Decreasing noise levels; the process ends at the last.
    eta : float
        Share of ancestral noise in [0, 1]: 0 is DDIM, 1 is DDPM.
    generators : sequence of torch.Generator, optional
        One for each image; needed when ``eta`` is above 0.
    """
    eta = SamplingSettings(eta=eta).eta
    if eta > 0 and generators is None:
        raise TimestepError(f"eta={eta} draws noise: pass one generator for each image")
    nfe = 0
    yield State(x, None, float(sigmas[0]), nfe)
    for sigma, after in pairwise(map(float, sigmas)):
        step = ddim_step(denoiser, x, sigma, after, eta, generators)
        x, nfe = step.x, nfe + step.nfe
        yield State(x, step.x0, after, nfe)
