"""The Perceptual Recoverable Field: between which timesteps a diffusion model can super-resolve, and where best.

Too little injected noise leaves the reverse process with a blurred image, which it keeps (realism deficit R); too
much drowns the image that was to be restored (signature loss L). The field of a scale is

    PRF = { t : R(t) <= eps_realism and L(t) <= eps_signature } = [t_low, t_high].

The idea of such a field is Diff-SR's (Li et al. 2023, arXiv:2306.00714); the formulas here are this project's own
derivation, never that paper's text. Three levels compute it, each better informed: see `theory.prf.levels`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from theory.gaussian import psnr
from theory.prf.closed_form import ClosedForm, check_eps
from theory.prf.levels import AnyLevel, Level, as_level
from theory.prf.prediction import Prediction
from theory.prf.scan import WIDEST, ScannedField
from theory.scale import Scale, ScalePair, as_scale
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw, RadialPSD, fit_power_law

Array = NDArray[np.float64]
Number = TypeVar("Number", float, Array)


@dataclass(frozen=True, eq=False)
class PRF:
    """Predictor of the field, from a schedule and a spectrum.

    Attributes
    ----------
    schedule : NoiseSchedule
        Of the model.
    spectrum : PowerLaw or RadialPSD
        Of the HR images, in cycles per HR pixel; for one image see `theory.fit_power_law_from_lr`.
    level : OnPaper, Spectral or ModelAware, or "closed_form" or "spectral"
        How the field is computed; a name stands for that level's defaults.
    eps_realism, eps_signature : float
        Tolerances in (0, 1) on R and L.
    metric : str
        Label kept in the predictions.

    Raises
    ------
    ToolkitError
        If a tolerance is not in (0, 1), or the level is none.

    Examples
    --------
    >>> prf = PRF(NoiseSchedule.linear(), PowerLaw(2e-4, 3.0))
    >>> p = prf.predict(4.0)
    >>> p.t_low < p.t_opt < p.t_high
    True
    """

    schedule: NoiseSchedule
    spectrum: PowerLaw | RadialPSD
    level: AnyLevel | Level = "closed_form"
    _: KW_ONLY
    eps_realism: float = 0.1
    eps_signature: float = 0.1
    metric: str = "balance"

    def __post_init__(self) -> None:
        check_eps(self.eps_realism)
        check_eps(self.eps_signature)
        object.__setattr__(self, "level", as_level(self.level))

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
            level=self._level.name,
            metric=self.metric,
            clipped=tuple(name for name, log_snr in wanted.items() if self._is_outside(log_snr)),
            prf=self,
        )

    def realism_deficit(self, t: Number, scale: Scale) -> Number:
        """R at timestep(s) t, in [0, 1]: 1 at no noise, 0 at much."""
        return self._at(t, self._field(scale).realism_deficit)

    def signature_loss(self, t: Number, scale: Scale) -> Number:
        """L at timestep(s) t, in [0, 1]: grows with the noise."""
        return self._at(t, self._field(scale).signature_loss)

    def predicted_psnr(self, t: Number, scale: Scale) -> Number:
        """PSNR in dB of the restoration from timestep(s) t.

        As measured of the model at the model-aware level, by the exact Gaussian chain at the others.
        """
        pair = as_scale(scale)
        return self._at(t, lambda snr: psnr(self._level.squared_error(self, pair, snr)))

    @cached_property
    def law(self) -> PowerLaw:
        """The spectrum's power law (fitted, if a measured spectrum was given)."""
        return self.spectrum if isinstance(self.spectrum, PowerLaw) else fit_power_law(self.spectrum)

    @cached_property
    def critical_scale(self) -> float:
        """Largest scale, the same on both axes, at which the field is open."""
        return self._level.critical_scale(self)

    @cached_property
    def optimum_weight(self) -> float:
        """Weight w of the spectral optimum, as given or tied to c; nan where the level has none."""
        return self._level.optimum_weight(self.law)

    @property
    def _level(self) -> AnyLevel:
        return as_level(self.level)

    def _log_std(self, scale: ScalePair) -> float:
        """Standard error of log S(f_c), hence of the optimum's log-SNR, which follows it at every level."""
        if not isinstance(self.spectrum, PowerLaw):
            return 0.0
        return float(np.mean(self.spectrum.log_std(0.5 / np.array(scale))))

    def _field(self, scale: Scale) -> ClosedForm | ScannedField:
        return self._level.field(self, as_scale(scale))

    def _at(self, t: Number, curve: Callable[[Array], Array]) -> Number:
        """A function of the SNR at timestep(s) t; not at zero, in which some schedules end."""
        value = curve(np.maximum(self.schedule.snr(t), np.exp(WIDEST[0])))
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
