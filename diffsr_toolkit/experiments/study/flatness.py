"""How much the noise matters: the metric that the model-aware level expects over t, and how wide its minimum is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.prf import PRF, ModelAware, ModelResponse, Sensitivity
from theory.scale import Scale, as_scale
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

Array = NDArray[np.float64]

NEAR = 0.01
"""A timestep is as good as the best within this share of the metric."""


@dataclass(frozen=True, eq=False)
class Well:
    """The expected metric of one scale over the timestep.

    Attributes
    ----------
    scale : (float, float)
    t : ndarray of shape (n,)
        Rising timesteps within what the response was measured for.
    cost : ndarray of shape (n,)
        Expected metric over that of the upsampled image: below 1 the restoration is better.
    """

    scale: tuple[float, float]
    t: Array
    cost: Array

    @property
    def t_best(self) -> float:
        """Where the cost is least."""
        return float(self.t[int(np.argmin(self.cost))])

    @property
    def width(self) -> tuple[float, float]:
        """First and last timestep around the best with a cost within `NEAR` of the least."""
        best = int(np.argmin(self.cost))
        far = np.flatnonzero(self.cost > self.cost[best] * (1 + NEAR))
        first = int(far[far < best].max() + 1) if (far < best).any() else 0
        last = int(far[far > best].min() - 1) if (far > best).any() else len(self.t) - 1
        return float(self.t[first]), float(self.t[last])


def wells(
    schedule: NoiseSchedule,
    spectrum: PowerLaw,
    response: ModelResponse,
    sensitivity: Sensitivity,
    scales: Sequence[Scale],
    points: int = 200,
) -> list[Well]:
    """The expected metric of every scale, as the model-aware level sees it.

    Parameters
    ----------
    schedule : NoiseSchedule
    spectrum : PowerLaw
        Of the HR images.
    response : ModelResponse
    sensitivity : Sensitivity
        What the metric charges.
    scales : sequence of float or (sy, sx)
    points : int
        Timesteps, equally spaced in log-SNR.
    """
    found = []
    ends = np.asarray(schedule.log_snr(np.array([schedule.t_max, schedule.t_min])))
    level = ModelAware(response, sensitivity)
    prf = PRF(schedule, spectrum, level)
    for scale in map(as_scale, scales):
        field = level.field(prf, scale)
        low, high = field.log_snr_range
        log_snr = np.linspace(min(high, float(ends[1])), max(low, float(ends[0])), points)
        cost = field.curves(log_snr).objective / field.upsampled_metric
        found.append(Well(scale, np.asarray(schedule.t_of_snr(np.exp(log_snr))), cost))
    return found


def common_width(found: Sequence[Well]) -> tuple[float, float] | None:
    """Timesteps that are within `NEAR` of the best at every scale; None where there is none."""
    low = max(well.width[0] for well in found)
    high = min(well.width[1] for well in found)
    return (low, high) if low <= high else None
