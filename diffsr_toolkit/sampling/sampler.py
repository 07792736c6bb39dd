"""Injection and the reverse process, in the coordinates ``x = x0 + sigma * noise``.

Every model family is brought to these coordinates by its denoiser's adapter, so one step formula serves
variance-preserving, variance-exploding and flow-matching models alike.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theory.errors import TimestepError, ToolkitError
from theory.schedules import NoiseSchedule

LEAST_SIGMA = 1e-3
"""Below one 8-bit level: a schedule that reaches sigma = 0 has no last log-SNR."""

Denoiser = Callable[[Tensor, Tensor], Tensor]
Spacing = Literal["log_snr", "timestep"]


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


def image_generator(seed: int, lr: Tensor, draw: int = 0) -> torch.Generator:
    """CPU generator keyed by ``(seed, image)``, so that batch make-up and device change nothing.

    Parameters
    ----------
    lr : Tensor
        ``(C, h, w)`` in [-1, 1]; it is keyed by its shape and its 8-bit levels.
    draw : int
        Which of several restorations of one image and seed.
    """
    levels = ((lr.detach().cpu().double() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    try:
        number = operator.index(seed)
    except TypeError:
        raise ToolkitError(f"seed={seed!r} is not a whole number: give one, such as 0") from None
    key = repr((number, draw, tuple(lr.shape))).encode() + levels.contiguous().numpy().tobytes()
    digest = hashlib.sha256(key).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def noise_like(x: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """White noise of ``x``'s shape, one CPU generator for each image of the batch."""
    draws = [torch.randn(x.shape[1:], generator=generator) for generator in generators]
    return torch.stack(draws).to(x)


def inject(lr_up: Tensor, sigma: float, generators: Sequence[torch.Generator]) -> Tensor:
    """Add noise of level ``sigma`` to the upsampled image: ``lr_up + sigma * noise``."""
    return lr_up + sigma * noise_like(lr_up, generators)


def inject_antithetic(lr_up: Tensor, sigma: float, generators: Sequence[torch.Generator]) -> Tensor:
    """As ``inject`` for a batch that will be averaged: every second image takes its predecessor's noise negated.

    What the reverse process makes of noise to first order then cancels within a pair instead of falling
    with the root of the number of draws (antithetic variates, Hammersley and Morton 1956).
    """
    noise = noise_like(lr_up, generators)
    paired = len(noise) // 2 * 2
    noise[1:paired:2] = -noise[0:paired:2]
    return lr_up + sigma * noise


def step_sigmas(
    schedule: NoiseSchedule,
    t: float,
    steps: int,
    spacing: Spacing = "log_snr",
    sigma_min: float = LEAST_SIGMA,
) -> NDArray[np.float64]:
    """Noise levels of a reverse process that starts at ``t`` and takes ``steps`` evaluations.

    Parameters
    ----------
    t : float
        Injection timestep, real, on the model's own schedule.
    steps : int
        Number of network evaluations, at least 1.
    spacing : {"log_snr", "timestep"}
        Uniform in log-SNR down to the schedule's least noise, or uniform in ``t``. The first spends
        its steps where fine detail is decided; the second is the habit of DDIM.
    sigma_min : float
        Least level worth an evaluation: a schedule that goes on to less stops here.

    Returns
    -------
    ndarray
        ``steps + 1`` strictly decreasing levels: the first is exactly ``schedule.sigma(t)``, the last is 0;
        fewer where ``t`` is the schedule's first timestep or steps would go below ``sigma_min``.

    Raises
    ------
    TimestepError
        When ``t`` lies outside the schedule, its SNR is 0, or ``steps`` is not a positive integer.
    """
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise TimestepError(f"steps={steps!r}: the reverse process needs a whole number of steps, 1 or more")
    if spacing not in ("log_snr", "timestep"):
        raise TimestepError(f"spacing={spacing!r} is unknown: use 'log_snr' or 'timestep'")
    first = float(schedule.sigma(t))
    if not np.isfinite(first):
        raise TimestepError(f"t={t} has no signal left (SNR 0): choose a smaller t, below {schedule.t_max}")
    if spacing == "timestep":
        timesteps = np.linspace(t, schedule.t_min, steps + 1)[:-1]
        levels = np.maximum(schedule.sigma(timesteps), min(first, sigma_min))
        levels[0] = first
    else:
        last = max(float(schedule.sigma(schedule.t_min)), sigma_min)
        # Where no level lies below, rounding would make several out of one.
        levels = np.geomspace(first, last, steps + 1)[:-1] if first > last * (1 + 1e-9) else np.array([first])
        levels[0] = first
    # At the very start of a schedule no level lies below t: equal levels would be wasted evaluations.
    return np.append(np.unique(levels)[::-1], 0.0)


def check_eta(eta: float) -> None:
    """Refuse an ``eta`` outside [0, 1] with a ``TimestepError``."""
    if not 0.0 <= eta <= 1.0:
        raise TimestepError(f"eta={eta} is outside [0, 1]: 0 is DDIM, 1 is DDPM")


def check_samples(samples: int) -> None:
    """Refuse, with a ``TimestepError``, a number of averaged restorations that is not 1 or more."""
    if isinstance(samples, bool) or not isinstance(samples, int | np.integer) or samples < 1:
        raise TimestepError(f"samples={samples!r}: give a whole number of restorations to average, 1 or more")


def sample(
    denoiser: Denoiser,
    x: Tensor,
    sigmas: Sequence[float] | NDArray[np.float64],
    eta: float = 0.0,
    generators: Sequence[torch.Generator] | None = None,
) -> Iterator[State]:
    """Run the reverse process from ``x`` and yield every state, the start included.

    Parameters
    ----------
    denoiser : callable
        ``D(x, sigma) -> x0`` estimate, ``x`` ``(B, C, H, W)``, ``sigma`` ``(B,)``.
    x : Tensor
        Start state at noise level ``sigmas[0]``.
    sigmas : sequence of float
        Decreasing noise levels; the process ends at the last.
    eta : float
        Share of ancestral noise in [0, 1]: 0 is DDIM, 1 is DDPM.
    generators : sequence of torch.Generator, optional
        One for each image; needed when ``eta`` is above 0.

    Notes
    -----
    DDIM's update (Song et al. 2021, eq. 12 and 16) divided by ``alpha`` of the step's end reads

    ``x' = x0 + sqrt(sigma'^2 - up^2) * (x - x0) / sigma + up * z``,
    ``up^2 = eta^2 * sigma'^2 * (sigma^2 - sigma'^2) / sigma^2``.
    """
    check_eta(eta)
    if eta > 0 and generators is None:
        raise TimestepError(f"eta={eta} draws noise: pass one generator for each image")
    yield State(x, None, float(sigmas[0]), 0)
    for nfe, (sigma, after) in enumerate(pairwise(sigmas), start=1):
        sigma, after = float(sigma), float(after)
        x0 = denoiser(x, torch.full((x.shape[0],), sigma, dtype=torch.float32, device=x.device))
        up = eta * after * np.sqrt(sigma**2 - after**2) / sigma
        down = np.sqrt(after**2 - up**2)
        x = x0 + (down / sigma) * (x - x0)
        if up > 0 and generators is not None:
            x = x + up * noise_like(x, generators)
        yield State(x, x0, after, nfe)
