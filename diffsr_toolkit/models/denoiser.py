"""What the sampler needs of a model: ``D(x, sigma) -> x0``, with ``x = x0 + sigma * noise``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from diffsr_toolkit.errors import ModelError


@runtime_checkable
class Denoiser(Protocol):
    """An estimate of the image under white noise, and what it was made for.

    Attributes
    ----------
    channels : int or None
        Channels it takes, 1 or 3; None for any.
    sigma_min, sigma_max : float
        Noise levels it was made for, in units of [-1, 1]. No step goes below the least; an injected level that lies
        below it is evaluated once, as it is.
    stride : int
        Sides that it takes without padding are multiples of this.
    """

    channels: int | None
    sigma_min: float
    sigma_max: float
    stride: int

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0`` ``(B, C, H, W)`` in [-1, 1] from ``x`` at noise levels ``sigma`` ``(B,)``."""
        ...


class AnyDenoiser:
    """What holds of a denoiser that says nothing else: any channels, any noise level, any size."""

    channels: int | None = None
    sigma_min: float = 0.0
    sigma_max: float = math.inf
    stride: int = 1


class FunctionDenoiser(AnyDenoiser):
    """A callable of one's own as a `Denoiser`; what it declares of its attributes holds, the rest is any.

    Parameters
    ----------
    function : callable
        ``D(x, sigma) -> x0``.
    channels : int, optional
        Channels it takes, where it does not declare them.
    """

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor], channels: int | None = None) -> None:
        self.function = function
        declared = {
            name: getattr(function, name, getattr(AnyDenoiser, name)) for name in Denoiser.__annotations__
        }
        self.channels = declared["channels"] if channels is None else channels
        self.sigma_min = float(declared["sigma_min"])
        self.sigma_max = float(declared["sigma_max"])
        self.stride = int(declared["stride"])

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0`` of the shape of ``x``."""
        return estimate(self.function, x, sigma)


def as_denoiser(denoiser: Any, channels: int | None = None) -> Denoiser:
    """A `Denoiser`: itself where it is one, else the callable with the defaults of `AnyDenoiser`.

    Raises
    ------
    ModelError
        When it is not callable, or its channels are neither 1 nor 3.
    """
    if not callable(denoiser):
        raise ModelError(f"denoiser {denoiser!r} is not callable: give D(x, sigma) -> x0")
    known = isinstance(denoiser, Denoiser) and channels in (None, denoiser.channels)
    found: Denoiser = denoiser if known else FunctionDenoiser(denoiser, channels)
    if found.channels not in (None, 1, 3):
        raise ModelError(f"channels={found.channels}: images have 1 or 3 channels")
    return found


def estimate(denoiser: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigma: Tensor) -> Tensor:
    """Evaluate a denoiser and refuse an answer that would be broadcast instead of used.

    Raises
    ------
    ModelError
        When it returns anything but a floating-point tensor of the shape and device of ``x``.
    """
    x0 = denoiser(x, sigma)
    wanted = f"a floating-point tensor of shape {tuple(x.shape)} on {x.device}"
    if not isinstance(x0, Tensor):
        raise ModelError(f"the denoiser returned {type(x0).__name__}: D(x, sigma) must return {wanted}")
    if x0.shape != x.shape or x0.device != x.device or not x0.is_floating_point():
        raise ModelError(
            f"the denoiser returned shape {tuple(x0.shape)} of {x0.dtype} on {x0.device}: "
            f"D(x, sigma) must return {wanted}"
        )
    return x0


def check_finite(restored: Tensor, t: float) -> None:
    """Refuse a restoration with nan or inf: no estimate recovers from them, so the last tells of all.

    Raises
    ------
    ModelError
        Naming the timestep.
    """
    if not torch.isfinite(restored).all():
        raise ModelError(f"the denoiser returned values that are not finite at t={t}: check its output")
