"""The three levels at which the theory answers, each better informed and each with settings of its own.

On paper two frequencies of a power law decide (`theory.prf.closed_form`); the spectral level sums over all of them
with the true kernel and the exact Gaussian chain (`theory.prf.spectral`); the model-aware level puts what one model was
measured to give back in the ideal denoiser's place (`theory.prf.model_aware`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import ClassVar, Literal, Protocol, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.degradation import BICUBIC, Degradation
from theory.errors import ToolkitError
from theory.gaussian import Chain, flow_limit, posterior_limit, run_chain
from theory.prf.closed_form import ClosedForm, critical_scale, optimal_weight
from theory.prf.model_aware import ModelAwareField
from theory.prf.response import ModelResponse
from theory.prf.scan import WIDEST, scanned_critical_scale
from theory.prf.sensitivity import Sensitivity
from theory.prf.spectral import SpectralField
from theory.scale import ScalePair
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw, RadialPSD

Array = NDArray[np.float64]
Level = Literal["closed_form", "spectral", "model_aware"]
"""Names of the levels."""

_LEAST_EXPONENT = 1.0
"""Flatter spectra (noise, not photographs) take the weight of this exponent."""


class Problem(Protocol):
    """What every level is told, whatever its own settings; a `theory.prf.PRF` is one."""

    @property
    def schedule(self) -> NoiseSchedule:
        """Of the model."""

    @property
    def spectrum(self) -> PowerLaw | RadialPSD:
        """Of the HR images."""

    @property
    def law(self) -> PowerLaw:
        """The spectrum's power law."""

    @property
    def eps_realism(self) -> float:
        """Tolerance on R, in (0, 1)."""

    @property
    def eps_signature(self) -> float:
        """Tolerance on L, in (0, 1)."""


@dataclass(frozen=True)
class OnPaper:
    """Every quantity a formula of the power law: no image size, no kernel, no sampler.

    Attributes
    ----------
    c : float
        The one constant, ``snr(t*) = c / S(f_c)``.
    signature_frequency : float
        Cycles per HR pixel up to which a picture's layout lives (default: periods of 32 pixels).
    """

    name: ClassVar[Level] = "closed_form"

    c: float = 1.0
    signature_frequency: float = 1 / 32

    def __post_init__(self) -> None:
        _check_positive("c", self.c)
        if not 0 < self.signature_frequency <= 0.5:
            raise ToolkitError(f"signature_frequency = {self.signature_frequency} must lie in (0, 0.5].")

    def field(self, problem: Problem, scale: ScalePair) -> ClosedForm:
        """The field at one scale."""
        return ClosedForm(
            problem.law, scale, self.c, problem.eps_realism, problem.eps_signature, self.signature_frequency
        )

    def critical_scale(self, problem: Problem) -> float:
        """Largest scale, the same on both axes, at which the field is open."""
        return critical_scale(
            problem.law, problem.eps_realism, problem.eps_signature, self.signature_frequency
        )

    def optimum_weight(self, law: PowerLaw) -> float:
        """The spectral level's weight that c stands for."""
        return _tied_weight(self.c, law.exponent)

    def squared_error(self, problem: Problem, scale: ScalePair, snr: ArrayLike) -> Array:
        """Expected squared error per value at these SNRs, by the spectral level: no formula is as short."""
        return Spectral(c=self.c).squared_error(problem, scale, snr)


@dataclass(frozen=True)
class Spectral:
    """The whole spectrum, the true bicubic kernel and the exact Gaussian chain.

    Attributes
    ----------
    c : float
        Closed form's constant, to which the weight is tied where none is given.
    weight : float or None
        w of ``signature loss + w * realism deficit``. None takes the w for which the closed form's c is the exact
        optimum of this spectrum's power law (`theory.prf.closed_form.optimal_weight`).
    size : int
        Image side in HR pixels, which sets the lowest frequency.
    eta : float
        0 for the probability flow, 1 for posterior sampling; between them give a trajectory.
    trajectory : callable or None
        Maps a timestep to the falling list of noise levels that the sampler really takes from it, ending in 0. None
        stands for infinitely many steps.
    degradation : Degradation
        Blur, noise and compression besides the bicubic kernel.
    """

    name: ClassVar[Level] = "spectral"

    c: float = 1.0
    weight: float | None = None
    size: int = 128
    eta: float = 0.0
    trajectory: Callable[[float], ArrayLike] | None = None
    degradation: Degradation = BICUBIC

    def __post_init__(self) -> None:
        _check_positive("c", self.c)
        if self.weight is not None:
            _check_positive("weight", self.weight)
        _check_size(self.size)
        if not 0 <= self.eta <= 1 or (self.trajectory is None and 0 < self.eta < 1):
            raise ToolkitError(f"eta = {self.eta} must be 0 or 1, or lie between them with a trajectory.")

    def field(self, problem: Problem, scale: ScalePair) -> SpectralField:
        """The field at one scale."""
        limits, points = WIDEST, 49
        if self.trajectory is not None:
            schedule = problem.schedule
            ends = schedule.log_snr(np.array([schedule.t_max, schedule.t_min]))
            limits, points = (max(float(ends[0]), WIDEST[0]), min(float(ends[1]), WIDEST[1])), 25
        return SpectralField(
            psd=problem.spectrum,
            scale=scale,
            sampler=partial(self._sampler, problem.schedule),
            weight=self.optimum_weight(problem.law),
            eps_realism=problem.eps_realism,
            eps_signature=problem.eps_signature,
            lowest=1 / self.size,
            log_snr_range=limits,
            degradation=self.degradation,
            grid_points=points,
        )

    def critical_scale(self, problem: Problem) -> float:
        """Largest scale, the same on both axes, at which the field is open."""
        return scanned_critical_scale(partial(self.field, problem), self.size)

    def optimum_weight(self, law: PowerLaw) -> float:
        """Weight w of the optimum: as given, or tied to c."""
        return _tied_weight(self.c, law.exponent) if self.weight is None else self.weight

    def squared_error(self, problem: Problem, scale: ScalePair, snr: ArrayLike) -> Array:
        """Expected squared error per value at these SNRs."""
        return self.field(problem, scale).squared_error(snr)

    def _sampler(self, schedule: NoiseSchedule, sigma: Array, psd: Array) -> Chain:
        if self.trajectory is None:
            return flow_limit(sigma, psd) if self.eta == 0 else posterior_limit(sigma, psd)
        t = schedule.clip(schedule.t_of_sigma(sigma.ravel()))
        chains = [run_chain(self.trajectory(float(value)), psd[0], self.eta) for value in t]
        level = np.array([[chain.sigma] for chain in chains], dtype=np.float64)
        return Chain(level, np.stack([c.gain for c in chains]), np.stack([c.variance for c in chains]))


@dataclass(frozen=True)
class ModelAware:
    """What one model was measured to give back, weighed by what a metric was measured to charge.

    Attributes
    ----------
    response : ModelResponse
        Of the model's sampler.
    sensitivity : Sensitivity or None
        Of the metric; None stands for the squared error.
    size : int
        Image side in HR pixels, which sets the lowest frequency.
    """

    name: ClassVar[Level] = "model_aware"

    response: ModelResponse
    sensitivity: Sensitivity | None = None
    size: int = 128

    def __post_init__(self) -> None:
        _check_size(self.size)

    def field(self, problem: Problem, scale: ScalePair) -> ModelAwareField:
        """The field at one scale."""
        ratios = self.response.ratios[[0, -1]]
        measured = np.log(ratios / np.mean(problem.spectrum(0.5 / np.array(scale))))
        return ModelAwareField(
            psd=problem.spectrum,
            scale=scale,
            response=self.response,
            sensitivity=self.sensitivity or Sensitivity.squared_error(),
            eps_realism=problem.eps_realism,
            eps_signature=problem.eps_signature,
            lowest=1 / self.size,
            log_snr_range=(float(measured[0]), float(measured[1])),
        )

    def critical_scale(self, problem: Problem) -> float:
        """Largest scale, the same on both axes, at which the field is open."""
        return scanned_critical_scale(partial(self.field, problem), self.size)

    def optimum_weight(self, law: PowerLaw) -> float:
        """There is none, nan: the metric's charges weigh the bands."""
        return np.nan

    def squared_error(self, problem: Problem, scale: ScalePair, snr: ArrayLike) -> Array:
        """Expected squared error per value at these SNRs, as measured of the model."""
        return self.field(problem, scale).squared_error(snr)


AnyLevel = OnPaper | Spectral | ModelAware


def as_level(level: AnyLevel | Level) -> AnyLevel:
    """A level itself, or the one of this name with its defaults.

    Raises
    ------
    ToolkitError
        If the name is unknown, or that of the model-aware level, which has no default.
    """
    if isinstance(level, AnyLevel):
        return level
    if level == ModelAware.name:
        raise ToolkitError(
            "level = 'model_aware' needs a model's response: give ModelAware(response), or choose 'spectral'."
        )
    for known in (OnPaper, Spectral):
        if level == known.name:
            return known()
    raise ToolkitError(f"level = {level!r} is unknown; choose one of {', '.join(get_args(Level))}.")


@lru_cache(maxsize=64)
def _tied_weight(c: float, exponent: float) -> float:
    return optimal_weight(c, max(exponent, _LEAST_EXPONENT))


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ToolkitError(f"{name} = {value} must be positive and finite.")


def _check_size(size: int) -> None:
    if size < 4:
        raise ToolkitError(f"size = {size} pixels is too small; give at least 4.")
