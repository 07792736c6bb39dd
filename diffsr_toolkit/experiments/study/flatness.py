"""How much the noise matters: the metric that the model-aware level expects over t, and how wide its minimum is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffsr_toolkit.experiments.study.curves import NEAR
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.settings import SamplingSettings
from theory.prf import ModelAware
from theory.scale import Scale, ScalePair, as_scale

Array = NDArray[np.float64]

DEFAULTS = SamplingSettings()


@dataclass(frozen=True, eq=False)
class Well:
    """The expected metric of one scale over the timestep.

    Attributes
    ----------
    scale : ScalePair
    t : ndarray of shape (n,)
        Rising timesteps within what the response was measured for.
    cost : ndarray of shape (n,)
        Expected metric over that of the upsampled image: below 1 the restoration is better.
    """

    scale: ScalePair
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
    predictor: Predictor,
    scales: Sequence[Scale],
    settings: SamplingSettings = DEFAULTS,
    metric: str = "feature_distance",
    points: int = 200,
) -> list[Well]:
    """The expected metric of every scale, as the model-aware level sees it for the card's mean spectrum.

    Parameters
    ----------
    predictor : Predictor
        Of a model whose response was measured.
    scales : sequence of float or (sy, sx)
    settings : SamplingSettings
    metric : str
    points : int
        Timesteps, equally spaced in log-SNR.

    Raises
    ------
    ToolkitError
        When the response under these settings, or what the metric charges, is not known.
    """
    found = []
    schedule = predictor.schedule
    ends = np.asarray(schedule.log_snr(np.array([schedule.t_max, schedule.t_min])))
    prf = predictor.field(predictor.card.spectrum, level="model_aware", metric=metric, settings=settings)
    level = prf.level
    assert isinstance(level, ModelAware)
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
