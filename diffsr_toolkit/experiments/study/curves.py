"""A metric measured over timesteps: where it is best, and what any other timestep costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.schedules import NoiseSchedule

Array = NDArray[np.float64]

NEAR = 0.01
"""A timestep is as good as the best within this share of the metric."""


@dataclass(frozen=True, eq=False)
class MetricCurve:
    """Values of one metric at rising timesteps, for one image and scale.

    Attributes
    ----------
    schedule : NoiseSchedule
    t : ndarray of shape (n,)
    values : ndarray of shape (n,)
        Means over seeds.
    higher_is_better : bool
    bicubic : float
        The metric of the bicubic image.
    """

    schedule: NoiseSchedule
    t: Array
    values: Array
    higher_is_better: bool
    bicubic: float

    @cached_property
    def _loss(self) -> Array:
        return -self.values if self.higher_is_better else self.values

    @cached_property
    def _position(self) -> Array:
        return np.asarray(-self.schedule.log_snr(self.t), dtype=np.float64)

    @cached_property
    def t_best(self) -> float:
        """Vertex of the parabola, in log-SNR, through the best timestep and its neighbours."""
        best = int(np.argmin(self._loss))
        if best in (0, len(self.t) - 1):
            return float(self.t[best])
        x, y = self._position[best - 1 : best + 2], self._loss[best - 1 : best + 2]
        curvature, slope, _ = np.polyfit(x - x[1], y, 2)
        offset = np.clip(-slope / (2 * curvature), x[0] - x[1], x[2] - x[1]) if curvature > 0 else 0.0
        return float(self.schedule.t_of_snr(float(np.exp(-(x[1] + offset)))))

    @property
    def at_edge(self) -> bool:
        """Whether the best timestep is the first or last measured."""
        return int(np.argmin(self._loss)) in (0, len(self.t) - 1)

    def value(self, t: float) -> float:
        """Interpolated in log-SNR by a monotone cubic; the first or last value beyond what was measured."""
        from scipy.interpolate import PchipInterpolator

        inside = float(np.clip(t, self.t[0], self.t[-1]))
        at = np.clip(-self.schedule.log_snr(inside), self._position[0], self._position[-1])
        return float(PchipInterpolator(self._position, self.values)(at))

    def regret_percent(self, t: float) -> float:
        """What `t` loses against the best timestep measured, in per cent of the metric there."""
        if not np.isfinite(t):
            return float("nan")
        best = self.values[int(np.argmin(self._loss))]
        lost = best - self.value(t) if self.higher_is_better else self.value(t) - best
        return float(100 * max(0.0, lost) / abs(best))

    def judge(self, t: float) -> dict[str, Any]:
        """What a table says of a chosen timestep."""
        regret = self.regret_percent(t)
        value = self.value(t) if np.isfinite(t) else float("nan")
        better = value > self.bicubic if self.higher_is_better else value < self.bicubic
        return {
            "t_best": self.t_best,
            "abs_dt": abs(t - self.t_best),
            "regret_percent": regret,
            "near": float(regret <= 100 * NEAR) if np.isfinite(regret) else float("nan"),
            "beats_bicubic": float(better) if np.isfinite(value - self.bicubic) else float("nan"),
            "at_edge": self.at_edge,
        }
