"""The Perceptual Recoverable Field: between which timesteps a diffusion model can super-resolve, and where best.

Too little injected noise leaves the reverse process with a blurred image, which it keeps (realism deficit R); too
much drowns the image that was to be restored (signature loss L). The field of a scale is

    PRF = { t : R(t) <= eps_realism and L(t) <= eps_signature } = [t_low, t_high].

The idea of such a field is Diff-SR's (Li et al. 2023, arXiv:2306.00714); the formulas here are this project's own
derivation, never that paper's text. Three levels compute it, each better informed: `theory.closed_form`,
`theory.spectral` and `theory.model_aware`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.degradation import BICUBIC, Degradation
from theory.errors import ToolkitError
from theory.gaussian import Chain, flow_limit, posterior_limit, psnr, run_chain
from theory.prf.closed_form import ClosedForm, check_eps, critical_scale, optimal_weight
from theory.prf.model_aware import ModelAwareField, ModelResponse
from theory.prf.prediction import Level, Prediction
from theory.prf.scan import ScannedField
from theory.prf.sensitivity import Sensitivity
from theory.prf.spectral import SpectralField
from theory.scale import Scale, as_scale
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw, RadialPSD, fit_power_law

Array = NDArray[np.float64]
Number = TypeVar("Number", float, Array)

_WIDE = (-20.0, 26.0)
"""Log-SNRs that hold every image's field; the schedule clips afterwards."""

_LEAST_EXPONENT = 1.0
"""Flatter spectra (noise, not photographs) take the weight of this exponent."""


@dataclass(frozen=True, eq=False)
class PRF:
    """Predictor of the field, from a schedule and a spectrum.

    Attributes
    ----------
    schedule : NoiseSchedule
        Of the model.
    spectrum : PowerLaw or RadialPSD
        Of the HR images, in cycles per HR pixel; for one image see `theory.fit_power_law_from_lr`.
    c : float
        The one constant of the closed form, ``snr(t*) = c / S(f_c)``.
    eps_realism, eps_signature : float
        Tolerances in (0, 1) on R and L.
    signature_frequency : float
        Closed form: cycles per HR pixel up to which a picture's layout lives (default: periods of 32 pixels).
    level : {"closed_form", "spectral", "model_aware"}
    weight : float or None
        Spectral: w of ``signature loss + w * realism deficit``. None takes the w for which the closed form's c
        is the exact optimum of this spectrum's power law (`theory.closed_form.optimal_weight`).
    metric : str
        Label kept in the predictions.
    size : int
        Spectral: image side in HR pixels, which sets the lowest frequency.
    eta : float
        Spectral: 0 for the probability flow, 1 for posterior sampling; between them give a trajectory.
    trajectory : callable or None
        Spectral: maps a timestep to the falling list of noise levels that the sampler really takes from it, ending
        in 0. None stands for infinitely many steps.
    degradation : Degradation
        Spectral: blur and noise besides the bicubic kernel.
    response : ModelResponse or None
        Model-aware, and needed there: what the model's sampler was measured to give back.
    sensitivity : Sensitivity or None
        Model-aware: what the metric charges; None stands for the squared error.

    Examples
    --------
    >>> prf = PRF(NoiseSchedule.linear(), PowerLaw(2e-4, 3.0))
    >>> p = prf.predict(4.0)
    >>> p.t_low < p.t_opt < p.t_high
    True
    """

    schedule: NoiseSchedule
    spectrum: PowerLaw | RadialPSD
    c: float = 1.0
    eps_realism: float = 0.1
    eps_signature: float = 0.1
    signature_frequency: float = 1 / 32
    level: Level = "closed_form"
    weight: float | None = None
    metric: str = "balance"
    size: int = 128
    eta: float = 0.0
    trajectory: Callable[[float], ArrayLike] | None = None
    degradation: Degradation = BICUBIC
    response: ModelResponse | None = None
    sensitivity: Sensitivity | None = None

    def __post_init__(self) -> None:
        check_eps(self.eps_realism)
        check_eps(self.eps_signature)
        if not 0 < self.c < np.inf:
            raise ToolkitError(f"c = {self.c} must be positive and finite.")
        if self.weight is not None and not 0 < self.weight < np.inf:
            raise ToolkitError(f"weight = {self.weight} must be positive and finite.")
        if not 0 < self.signature_frequency <= 0.5:
            raise ToolkitError(f"signature_frequency = {self.signature_frequency} must lie in (0, 0.5].")
        if self.level not in get_args(Level):
            raise ToolkitError(
                f"level = {self.level!r} is unknown; choose one of {', '.join(get_args(Level))}."
            )
        if self.level == "model_aware" and self.response is None:
            raise ToolkitError(
                "level = 'model_aware' needs a model's response: give one, or choose 'spectral'."
            )
        if self.size < 4:
            raise ToolkitError(f"size = {self.size} pixels is too small; give at least 4.")
        if not 0 <= self.eta <= 1 or (self.trajectory is None and 0 < self.eta < 1):
            raise ToolkitError(f"eta = {self.eta} must be 0 or 1, or lie between them with a trajectory.")

    def predict(self, scale: Scale) -> Prediction:
        """The field of this scale.

        Parameters
        ----------
        scale : float or (float, float)
            HR size over LR size, at least 1; at 1 nothing is missing and the least noise is best.

        Returns
        -------
        Prediction
            With timesteps clipped to the schedule's range; the explanation says so where it happened.

        Raises
        ------
        ScaleError
            If the scale is not finite and at least 1.
        """
        pair = as_scale(scale)
        found = self._field(pair)
        wanted = {"t_low": found.log_snr_low, "t_opt": found.log_snr_opt, "t_high": found.log_snr_high}
        low, opt, high = (self._t(log_snr) for log_snr in wanted.values())
        doubt = self._log_std(pair)
        return Prediction(
            t_low=low,
            t_opt=opt,
            t_high=high,
            snr_low=self.schedule.snr(low),
            snr_opt=self.schedule.snr(opt),
            snr_high=self.schedule.snr(high),
            t_opt_interval=(self._t(wanted["t_opt"] + doubt), self._t(wanted["t_opt"] - doubt)),
            scale=pair,
            level=self.level,
            metric=self.metric,
            clipped=tuple(name for name, log_snr in wanted.items() if self._is_outside(log_snr)),
            prf=self,
        )

    def realism_deficit(self, t: Number, scale: Scale) -> Number:
        """R at timestep(s) t, in [0, 1]: 1 at no noise, 0 at much."""
        return self._curve(t, scale, "realism_deficit")

    def signature_loss(self, t: Number, scale: Scale) -> Number:
        """L at timestep(s) t, in [0, 1]: grows with the noise."""
        return self._curve(t, scale, "signature_loss")

    def predicted_psnr(self, t: Number, scale: Scale) -> Number:
        """PSNR in dB of the restoration from timestep(s) t: as measured of the model at the level "model_aware".

        By the exact Gaussian chain at the other levels.
        """
        snr = np.maximum(self.schedule.snr(t), np.exp(_WIDE[0]))
        pair = as_scale(scale)
        field = self._model_aware(pair) if self.level == "model_aware" else self._spectral(pair)
        value = psnr(field.squared_error(snr))
        return float(value) if np.ndim(t) == 0 else value  # type: ignore[return-value]

    @cached_property
    def law(self) -> PowerLaw:
        """The spectrum's power law (fitted, if a measured spectrum was given)."""
        return self.spectrum if isinstance(self.spectrum, PowerLaw) else fit_power_law(self.spectrum)

    @cached_property
    def critical_scale(self) -> float:
        """Largest scale, the same on both axes, at which the field is open."""
        if self.level == "closed_form":
            return critical_scale(self.law, self.eps_realism, self.eps_signature, self.signature_frequency)
        return self._scanned_critical_scale()

    @cached_property
    def optimum_weight(self) -> float:
        """Weight w of the spectral optimum: as given, or tied to c."""
        if self.weight is not None:
            return self.weight
        return optimal_weight(self.c, max(self.law.exponent, _LEAST_EXPONENT))

    def _closed(self, scale: tuple[float, float]) -> ClosedForm:
        return ClosedForm(
            self.law, scale, self.c, self.eps_realism, self.eps_signature, self.signature_frequency
        )

    def _spectral(self, scale: tuple[float, float]) -> SpectralField:
        limits, points = _WIDE, 49
        if self.trajectory is not None:
            ends = self.schedule.log_snr(np.array([self.schedule.t_max, self.schedule.t_min]))
            limits, points = (max(float(ends[0]), _WIDE[0]), min(float(ends[1]), _WIDE[1])), 25
        return SpectralField(
            psd=self.spectrum,
            scale=scale,
            sampler=self._sampler,
            weight=self.optimum_weight,
            eps_realism=self.eps_realism,
            eps_signature=self.eps_signature,
            lowest=1 / self.size,
            log_snr_range=limits,
            degradation=self.degradation,
            grid_points=points,
        )

    def _model_aware(self, scale: tuple[float, float]) -> ModelAwareField:
        if self.response is None:
            raise ToolkitError("no response of a model was given; PRF(..., response=...) takes one.")
        measured = np.log(self.response.ratios[[0, -1]] / np.mean(self.spectrum(0.5 / np.array(scale))))
        return ModelAwareField(
            psd=self.spectrum,
            scale=scale,
            response=self.response,
            sensitivity=self.sensitivity or Sensitivity.squared_error(),
            eps_realism=self.eps_realism,
            eps_signature=self.eps_signature,
            lowest=1 / self.size,
            log_snr_range=(float(measured[0]), float(measured[1])),
        )

    def _field(self, scale: tuple[float, float]) -> ClosedForm | ScannedField:
        if self.level == "closed_form":
            return self._closed(scale)
        return self._spectral(scale) if self.level == "spectral" else self._model_aware(scale)

    def _sampler(self, sigma: Array, psd: Array) -> Chain:
        if self.trajectory is None:
            return flow_limit(sigma, psd) if self.eta == 0 else posterior_limit(sigma, psd)
        t = self.schedule.clip(self.schedule.t_of_sigma(sigma.ravel()))
        chains = [run_chain(self.trajectory(float(value)), psd[0], self.eta) for value in t]
        level = np.array([[chain.sigma] for chain in chains], dtype=np.float64)
        return Chain(level, np.stack([c.gain for c in chains]), np.stack([c.variance for c in chains]))

    def _log_std(self, scale: tuple[float, float]) -> float:
        """Standard error of log S(f_c), hence of the optimum's log-SNR, which follows it at every level."""
        if not isinstance(self.spectrum, PowerLaw):
            return 0.0
        return float(np.mean(self.spectrum.log_std(0.5 / np.array(scale))))

    def _scanned_critical_scale(self) -> float:
        """Last sign change of the field's excess of signature loss along the scale axis."""
        from scipy.optimize import brentq

        def excess(log_scale: float) -> float:
            scale = float(np.exp(log_scale))
            field = self._field((scale, scale))
            return field.excess_loss if isinstance(field, ScannedField) else np.nan

        grid = np.linspace(np.log(1.02), np.log(self.size), 8)
        is_open = [excess(x) <= 0 for x in grid]
        if not any(is_open):
            return 1.0
        last = max(i for i, good in enumerate(is_open) if good)
        if last == len(grid) - 1:
            return float(self.size)
        return float(np.exp(brentq(excess, grid[last], grid[last + 1], xtol=1e-3)))

    def _curve(self, t: Number, scale: Scale, what: str) -> Number:
        pair = as_scale(scale)
        snr = self.schedule.snr(t)
        value: Array = getattr(self._field(pair), what)(np.maximum(snr, np.exp(_WIDE[0])))
        return float(value) if np.ndim(t) == 0 else value  # type: ignore[return-value]

    def _is_outside(self, log_snr: float) -> bool:
        low, high = self.schedule.log_snr(np.array([self.schedule.t_max, self.schedule.t_min]))
        return bool(np.isfinite(log_snr) and not low <= log_snr <= high)

    def _t(self, log_snr: float) -> float:
        """Timestep of a log-SNR, clipped to the schedule."""
        low, high = self.schedule.log_snr(np.array([self.schedule.t_max, self.schedule.t_min]))
        if log_snr >= high:
            return self.schedule.t_min
        if log_snr <= low:
            return self.schedule.t_max
        return self.schedule.t_of_snr(float(np.exp(log_snr)))
