"""Log-SNR as a function of the timestep, with its exact inverse: what a noise schedule is made of.

Each curve is a small immutable value with ``log_snr(t)`` and ``t_of_log_snr(log_snr)`` (float64 arrays in and
out, strictly decreasing in ``t``) and the closed range ``[t_min, t_max]`` on which they hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from theory.errors import ToolkitError

Array = NDArray[np.float64]

FLOW_MARGIN = 1e-6
"""Flow matching is cut this far (in u = t / T) from its ends, where the SNR is infinite or zero."""


class SNRCurve(Protocol):
    """What `NoiseSchedule` needs of a log-SNR curve."""

    @property
    def t_min(self) -> float: ...

    @property
    def t_max(self) -> float: ...

    def log_snr(self, t: Array) -> Array: ...

    def t_of_log_snr(self, log_snr: Array) -> Array: ...


@dataclass(frozen=True)
class TableCurve:
    """Discrete schedule: log-SNR known at t = 0, 1, ..., T-1 and linear in between.

    A final SNR of zero (zero-terminal-SNR schedules) has no logarithm; on that last segment the SNR itself is
    linear in t, which keeps the curve continuous, strictly decreasing and exactly invertible.
    """

    alphas_cumprod: tuple[float, ...]

    def __post_init__(self) -> None:
        a = np.asarray(self.alphas_cumprod, dtype=np.float64)
        if a.ndim != 1 or a.size < 2:
            raise ToolkitError(
                f"alphas_cumprod has shape {a.shape}; give a 1-D sequence of at least 2 values."
            )
        if not np.all(np.isfinite(a)) or a[0] >= 1 or a[-1] < 0 or np.any(np.diff(a) >= 0):
            raise ToolkitError(
                f"alphas_cumprod must fall strictly inside (0, 1), only its last value may be 0; got {a[0]:.6g} "
                f"to {a[-1]:.6g}. Give cumulative products of 1 - beta, least noise first."
            )

    @property
    def t_min(self) -> float:
        return 0.0

    @property
    def t_max(self) -> float:
        return float(len(self.alphas_cumprod) - 1)

    @cached_property
    def _table(self) -> Array:
        """Log-SNR at the integer timesteps that have one (all, or all but a zero-SNR last)."""
        a = np.asarray(self.alphas_cumprod, dtype=np.float64)
        a = a[a > 0]
        return np.log(a) - np.log1p(-a)

    def log_snr(self, t: Array) -> Array:
        table = self._table
        last = len(table) - 1
        value = np.interp(t, np.arange(len(table), dtype=np.float64), table)
        beyond = t > last
        if np.any(beyond):
            with np.errstate(divide="ignore"):
                value = np.where(beyond, table[-1] + np.log(np.maximum(self.t_max - t, 0.0)), value)
        return value

    def t_of_log_snr(self, log_snr: Array) -> Array:
        table = self._table
        t = np.interp(-log_snr, -table, np.arange(len(table), dtype=np.float64))
        beyond = log_snr < table[-1]
        if len(table) - 1 < self.t_max and np.any(beyond):
            t = np.where(beyond, self.t_max - np.exp(np.minimum(log_snr - table[-1], 0.0)), t)
        return t


@dataclass(frozen=True)
class FlowCurve:
    """Flow matching (rectified flow): u = t / T, x_t = (1 - u) x + u noise, SNR = ((1 - u) / u)^2."""

    num_train_timesteps: int

    @property
    def t_min(self) -> float:
        return FLOW_MARGIN * self.num_train_timesteps

    @property
    def t_max(self) -> float:
        return (1 - FLOW_MARGIN) * self.num_train_timesteps

    def log_snr(self, t: Array) -> Array:
        u = t / self.num_train_timesteps
        return 2 * (np.log1p(-u) - np.log(u))

    def t_of_log_snr(self, log_snr: Array) -> Array:
        return self.num_train_timesteps / (1 + np.exp(log_snr / 2))


@dataclass(frozen=True)
class KarrasCurve:
    """Noise levels of Karras et al. 2022: sigma^(1/rho) linear in t, from sigma_min to sigma_max."""

    num_train_timesteps: int
    sigma_min: float
    sigma_max: float
    rho: float

    @property
    def t_min(self) -> float:
        return 0.0

    @property
    def t_max(self) -> float:
        return float(self.num_train_timesteps - 1)

    def log_snr(self, t: Array) -> Array:
        low, high = self.sigma_min ** (1 / self.rho), self.sigma_max ** (1 / self.rho)
        return -2 * self.rho * np.log(low + t / self.t_max * (high - low))

    def t_of_log_snr(self, log_snr: Array) -> Array:
        low, high = self.sigma_min ** (1 / self.rho), self.sigma_max ** (1 / self.rho)
        return self.t_max * (np.exp(-log_snr / (2 * self.rho)) - low) / (high - low)


@dataclass(frozen=True)
class ExponentialCurve:
    """Log sigma linear in t, from sigma_min to sigma_max (EDM schedulers with "exponential" sigmas)."""

    num_train_timesteps: int
    sigma_min: float
    sigma_max: float

    @property
    def t_min(self) -> float:
        return 0.0

    @property
    def t_max(self) -> float:
        return float(self.num_train_timesteps - 1)

    def log_snr(self, t: Array) -> Array:
        low, high = np.log(self.sigma_min), np.log(self.sigma_max)
        return -2 * (low + t / self.t_max * (high - low))

    def t_of_log_snr(self, log_snr: Array) -> Array:
        low, high = np.log(self.sigma_min), np.log(self.sigma_max)
        return self.t_max * (-log_snr / 2 - low) / (high - low)
