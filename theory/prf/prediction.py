"""What the theory says about one scale, as numbers and as a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from theory.prf.levels import Level
from theory.scale import Scale, ScalePair
from theory.schedules import NoiseSchedule

Number = TypeVar("Number", float, NDArray[np.float64])


class Field(Protocol):
    """What a prediction and its pictures need of the predictor behind it."""

    @property
    def schedule(self) -> NoiseSchedule:
        """On which timesteps are told."""

    @property
    def critical_scale(self) -> float:
        """Largest scale, the same on both axes, at which the field is open."""

    def realism_deficit(self, t: Number, scale: Scale) -> Number:
        """R at timestep(s) t, in [0, 1]."""

    def signature_loss(self, t: Number, scale: Scale) -> Number:
        """L at timestep(s) t, in [0, 1]."""

    def predicted_psnr(self, t: Number, scale: Scale) -> Number:
        """PSNR in dB of the restoration from timestep(s) t."""


@dataclass(frozen=True)
class Prediction:
    """The field of one scale on one schedule.

    Attributes
    ----------
    t_low, t_opt, t_high : float
        Real timesteps. The field is empty where t_low > t_high, and says so.
    snr_low, snr_opt, snr_high : float
        The schedule's SNR at those timesteps.
    t_opt_interval : (float, float)
        Where t_opt lies at one standard error of the spectrum's power at the cut-off (68 %); equal ends for a
        spectrum that was given, not fitted. It holds neither the theory's own error nor the metric's noise.
    scale : ScalePair
        (s_y, s_x).
    level : {"closed_form", "spectral", "model_aware"}
        How it was computed.
    metric : str
        Label of the metric whose optimum `t_opt` stands for.
    clipped : tuple of str
        Which of "t_low", "t_opt", "t_high" the schedule's range limited.
    note : str
        What else a reader should know, such as an estimated degradation.
    prf : Field
        The predictor, for the curves behind the numbers.
    """

    t_low: float
    t_opt: float
    t_high: float
    snr_low: float
    snr_opt: float
    snr_high: float
    t_opt_interval: tuple[float, float]
    scale: ScalePair
    level: Level
    metric: str
    clipped: tuple[str, ...] = ()
    note: str = ""
    prf: Field = field(compare=False, repr=False, kw_only=True)

    @property
    def is_open(self) -> bool:
        """Whether some timestep is neither too early nor too late."""
        return self.t_low <= self.t_high

    @property
    def critical_scale(self) -> float:
        """Largest scale, the same on both axes, whose field is open; computed when it is first asked for."""
        return self.prf.critical_scale

    @property
    def cutoff(self) -> float:
        """Frequency in cycles per HR pixel from which on something is missing, of the larger scale."""
        return 0.5 / max(self.scale)

    @property
    def explanation(self) -> str:
        """The prediction in words."""
        return " ".join(part for part in (_sentence(self), self.note) if part)


def _sentence(p: Prediction) -> str:
    sy, sx = p.scale
    name = f"x{sy:.4g}" if sy == sx else f"x{sy:.4g} by x{sx:.4g}"
    if p.scale == (1.0, 1.0) and p.t_opt == p.prf.schedule.t_min:
        text = f"At {name} nothing is missing, so the least noise, t = {p.t_opt:.4g}, is best"
    elif p.is_open:
        text = _missing(p, name)
        if p.t_opt < p.t_low:
            text += ", less noise than full realism needs, as this metric prefers fidelity"
        elif p.t_opt > p.t_high:
            text += ", more noise than the signature allows, as this metric prefers realism"
        else:
            text += ", where the noise just drowns the first missing detail"
        text += f"; the field is open from t = {p.t_low:.4g} to {p.t_high:.4g}"
    else:
        reason = f"missing detail needs t >= {p.t_low:.4g} and the signature t <= {p.t_high:.4g}"
        if p.level == "model_aware":
            reason = "no noise level lets this model better the upsampled image within the tolerances"
        text = f"At {name} the field is empty, since {reason}; t = {p.t_opt:.4g} is the best compromise"
    text += f" (the field closes at x{p.critical_scale:.3g})"
    if p.clipped:
        first, last = p.prf.schedule.t_min, p.prf.schedule.t_max
        text += f"; {' and '.join(p.clipped)} clipped to the schedule's range [{first:g}, {last:g}]"
    return text + "."


def _missing(p: Prediction, name: str) -> str:
    text = (
        f"Frequencies above {p.cutoff:.2g} cycles/pixel are missing at {name}; the best noise for them has SNR "
        f"{p.snr_opt:.3g}: inject at t = {p.t_opt:.4g}"
    )
    low, high = p.t_opt_interval
    return text + (f" (68 % from {low:.3g} to {high:.3g})" if high > low else "")
