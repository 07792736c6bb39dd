"""What the theory says about one scale, as numbers and as a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from theory.schedule import NoiseSchedule

Level = Literal["closed_form", "spectral"]


@dataclass(frozen=True)
class Prediction:
    """The field of one scale on one schedule.

    Attributes
    ----------
    t_low, t_opt, t_high : float
        Real timesteps. The field is empty where t_low > t_high, and says so.
    snr_low, snr_opt, snr_high : float
        The schedule's SNR at those timesteps.
    critical_scale : float
        Largest scale, the same on both axes, whose field is open.
    scale : (float, float)
        (s_y, s_x).
    level : {"closed_form", "spectral"}
        How it was computed.
    metric : str
        Label of the metric whose optimum `t_opt` stands for.
    explanation : str
        One sentence for people.
    """

    t_low: float
    t_opt: float
    t_high: float
    snr_low: float
    snr_opt: float
    snr_high: float
    critical_scale: float
    scale: tuple[float, float]
    level: Level
    metric: str
    explanation: str = field(compare=False)

    @property
    def is_open(self) -> bool:
        """Whether some timestep is neither too early nor too late."""
        return self.t_low <= self.t_high


def explain(p: Prediction, schedule: NoiseSchedule, clipped: list[str]) -> str:
    """One sentence on a prediction.

    Parameters
    ----------
    p : Prediction
    schedule : NoiseSchedule
        Whose range limited the timesteps named in `clipped`.
    clipped : list of str
        Any of "t_low", "t_opt", "t_high".
    """
    sy, sx = p.scale
    name = f"x{sy:.4g}" if sy == sx else f"x{sy:.4g} by x{sx:.4g}"
    if p.scale == (1.0, 1.0):
        text = f"At {name} nothing is missing, so the least noise, t = {p.t_opt:.4g}, is best"
    elif p.is_open:
        text = f"At {name} the field is open from t = {p.t_low:.4g} to {p.t_high:.4g}; "
        text += f"inject at t = {p.t_opt:.4g} (snr {p.snr_opt:.3g}), "
        if p.t_opt < p.t_low:
            text += "less noise than full realism needs, as this metric prefers fidelity"
        elif p.t_opt > p.t_high:
            text += "more noise than the signature allows, as this metric prefers realism"
        else:
            text += "where the noise just drowns the first missing detail"
    else:
        text = (
            f"At {name} the field is empty, since missing detail needs t >= {p.t_low:.4g} and the signature t <= "
            f"{p.t_high:.4g}; t = {p.t_opt:.4g} is the best compromise"
        )
    text += f" (the field closes at x{p.critical_scale:.3g})"
    if clipped:
        text += f"; {' and '.join(clipped)} clipped to the schedule's range [{schedule.t_min:g}, {schedule.t_max:g}]"
    return text + "."
