"""Noise schedules as one thing only: a continuous, exactly invertible map between timestep and SNR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import TimestepError, ToolkitError
from theory.schedules.curves import ExponentialCurve, FlowCurve, KarrasCurve, SNRCurve, TableCurve

Array = NDArray[np.float64]
Number = TypeVar("Number", float, Array)

_ROUND_OFF = 1e-9


@dataclass(frozen=True)
class NoiseSchedule:
    """Signal-to-noise ratio of a diffusion model as a function of its own (real-valued) timestep.

    Every family reduces to ``snr(t) = alpha_t^2 / sigma_t^2`` of ``x_t = alpha_t x + sigma_t noise``:
    variance-preserving (linear, scaled-linear, cosine, sigmoid betas), variance-exploding (EDM) and flow
    matching. Discrete schedules interpolate log-SNR linearly between integer timesteps, so they have exactly
    diffusers' values at the integers and an exact inverse everywhere.

    All methods take a scalar and return a float, or take an array and return a float64 array of its shape.

    Attributes
    ----------
    name : str
        Family, for people: "linear", "cosine", "flow_matching", ...
    num_train_timesteps : int
        Number of timesteps T that the model was trained with.
    t_min, t_max : float
        Inclusive range of valid timesteps.
    alphas_cumprod : ndarray of shape (T,) or None
        Cumulative alpha^2 at the integer timesteps of a discrete schedule, None for a continuous one.

    Examples
    --------
    >>> s = NoiseSchedule.linear(1000)
    >>> round(s.t_of_snr(s.snr(123.4)), 6)
    123.4
    """

    name: str
    num_train_timesteps: int
    curve: SNRCurve

    @classmethod
    def linear(
        cls, num_train_timesteps: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02
    ) -> NoiseSchedule:
        """Betas linear in t (Ho et al. 2020)."""
        return cls._from_betas("linear", np.linspace(beta_start, beta_end, _count(num_train_timesteps)))

    @classmethod
    def scaled_linear(
        cls, num_train_timesteps: int = 1000, beta_start: float = 0.00085, beta_end: float = 0.012
    ) -> NoiseSchedule:
        """Square roots of the betas linear in t (latent diffusion, Rombach et al. 2022)."""
        root = np.linspace(beta_start**0.5, beta_end**0.5, _count(num_train_timesteps))
        return cls._from_betas("scaled_linear", root**2)

    @classmethod
    def cosine(cls, num_train_timesteps: int = 1000, max_beta: float = 0.999) -> NoiseSchedule:
        """Squared-cosine alphas_cumprod (Nichol and Dhariwal 2021); diffusers' ``squaredcos_cap_v2``."""
        u = np.arange(_count(num_train_timesteps) + 1) / num_train_timesteps
        bar = np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2
        return cls._from_betas("cosine", np.minimum(1 - bar[1:] / bar[:-1], max_beta))

    @classmethod
    def sigmoid(
        cls, num_train_timesteps: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02
    ) -> NoiseSchedule:
        """Betas on a logistic curve over [-6, 6] (GeoDiff); diffusers' ``sigmoid``."""
        ramp = 1 / (1 + np.exp(-np.linspace(-6, 6, _count(num_train_timesteps))))
        return cls._from_betas("sigmoid", ramp * (beta_end - beta_start) + beta_start)

    @classmethod
    def flow_matching(cls, num_train_timesteps: int = 1000) -> NoiseSchedule:
        """Flow matching: with u = t / T, alpha = 1 - u and sigma = u, for t strictly inside (0, T)."""
        return cls("flow_matching", num_train_timesteps, FlowCurve(_count(num_train_timesteps)))

    @classmethod
    def karras(
        cls,
        num_train_timesteps: int = 1000,
        sigma_min: float = 0.002,
        sigma_max: float = 80.0,
        rho: float = 7.0,
    ) -> NoiseSchedule:
        """EDM noise levels (Karras et al. 2022, eq. 5), least noise first: sigma^(1/rho) linear in t."""
        _check_sigmas(sigma_min, sigma_max)
        curve = KarrasCurve(_count(num_train_timesteps), float(sigma_min), float(sigma_max), float(rho))
        return cls("karras", num_train_timesteps, curve)

    @classmethod
    def exponential(
        cls, num_train_timesteps: int = 1000, sigma_min: float = 0.002, sigma_max: float = 80.0
    ) -> NoiseSchedule:
        """Log sigma linear in t, least noise first."""
        _check_sigmas(sigma_min, sigma_max)
        curve = ExponentialCurve(_count(num_train_timesteps), float(sigma_min), float(sigma_max))
        return cls("exponential", num_train_timesteps, curve)

    @classmethod
    def from_alphas_cumprod(cls, alphas_cumprod: ArrayLike, name: str = "table") -> NoiseSchedule:
        """Any discrete schedule.

        Parameters
        ----------
        alphas_cumprod : array_like of shape (T,)
            Strictly falling values in (0, 1); the last may be 0 (zero-terminal SNR).
        name : str
            Label kept in `name`.

        Raises
        ------
        ToolkitError
            If the values are not of that form.
        """
        values = np.asarray(alphas_cumprod, dtype=np.float64)
        curve = TableCurve(tuple(values.ravel().tolist()) if values.ndim == 1 else ())
        return cls(name, len(curve.alphas_cumprod), curve)

    @classmethod
    def from_diffusers(cls, scheduler: Any) -> NoiseSchedule:
        """Schedule of a diffusers scheduler, recognised by what it has (diffusers itself is not imported).

        Parameters
        ----------
        scheduler : object
            Anything with ``alphas_cumprod`` (DDPM, DDIM, PNDM, DPM-Solver, Euler, ..., with or without
            zero-terminal SNR), an EDM scheduler (``config.sigma_min``, ``sigma_max``, ``sigma_data``), or a
            flow-matching one (``FlowMatch...``, or ``config.use_flow_sigmas``). A flow ``shift`` only changes
            which timesteps a sampler visits, not what a timestep means, so it does not appear here.

        Returns
        -------
        NoiseSchedule
            With the scheduler's own timestep numbering; EDM noise levels are numbered least noise first.

        Raises
        ------
        ToolkitError
            If the scheduler is of none of these kinds.
        """
        config: Mapping[str, Any] = getattr(scheduler, "config", {})
        kind = type(scheduler).__name__
        total = int(config.get("num_train_timesteps", 1000))
        if kind.startswith("FlowMatch") or config.get("use_flow_sigmas"):
            return cls.flow_matching(total)
        if getattr(scheduler, "alphas_cumprod", None) is not None:
            values = np.asarray(scheduler.alphas_cumprod, dtype=np.float64)
            return cls.from_alphas_cumprod(values, name=str(config.get("beta_schedule", "table")))
        if {"sigma_min", "sigma_max", "sigma_data"} <= set(config):
            low, high = float(config["sigma_min"]), float(config["sigma_max"])
            if config.get("sigma_schedule", "karras") == "exponential":
                return cls.exponential(total, low, high)
            return cls.karras(total, low, high, float(config.get("rho", 7.0)))
        raise ToolkitError(
            f"Cannot read a noise schedule from {kind}: it has no alphas_cumprod, EDM sigmas or flow-matching "
            "form. Build one with NoiseSchedule.from_alphas_cumprod(...)."
        )

    @classmethod
    def _from_betas(cls, name: str, betas: Array) -> NoiseSchedule:
        return cls.from_alphas_cumprod(np.cumprod(1 - betas), name=name)

    @property
    def t_min(self) -> float:
        """Smallest valid timestep (least noise)."""
        return self.curve.t_min

    @property
    def t_max(self) -> float:
        """Largest valid timestep (most noise)."""
        return self.curve.t_max

    @property
    def alphas_cumprod(self) -> Array | None:
        """Table of a discrete schedule (a fresh float64 copy), None for a continuous one."""
        return np.array(self.curve.alphas_cumprod) if isinstance(self.curve, TableCurve) else None

    def log_snr(self, t: Number) -> Number:
        """Natural logarithm of the SNR at timestep t (-inf where the SNR is zero).

        Raises
        ------
        TimestepError
            If t is nan or outside ``[t_min, t_max]``.
        """
        return _like(t, self._log_snr(t))

    def snr(self, t: Number) -> Number:
        """Signal-to-noise ratio alpha^2 / sigma^2 at timestep t."""
        return _like(t, np.exp(self._log_snr(t)))

    def sigma(self, t: Number) -> Number:
        """Noise level of ``x = x0 + sigma * noise`` at timestep t, that is ``snr ** -0.5`` (inf at zero SNR)."""
        return _like(t, np.exp(-0.5 * self._log_snr(t)))

    def alpha_cumprod(self, t: Number) -> Number:
        """Variance share of the signal, ``snr / (1 + snr)``: alphas_cumprod of the equivalent VP schedule."""
        with np.errstate(over="ignore"):
            return _like(t, 1 / (1 + np.exp(-self._log_snr(t))))

    def t_of_snr(self, snr: Number) -> Number:
        """Timestep at which the SNR has this value: exact inverse of `snr`.

        Raises
        ------
        TimestepError
            If the schedule never reaches this SNR.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return _like(snr, self._t_of_log_snr(np.log(np.asarray(snr, dtype=np.float64)), snr, "snr"))

    def t_of_sigma(self, sigma: Number) -> Number:
        """Timestep at which the noise level is `sigma`: exact inverse of `sigma`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            log_snr = -2 * np.log(np.asarray(sigma, dtype=np.float64))
            return _like(sigma, self._t_of_log_snr(log_snr, sigma, "sigma"))

    def t_of_alpha_cumprod(self, a: Number) -> Number:
        """Timestep at which ``alpha_cumprod`` is `a`: exact inverse of `alpha_cumprod`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.asarray(a, dtype=np.float64)
            return _like(a, self._t_of_log_snr(np.log(value) - np.log1p(-value), a, "alpha_cumprod"))

    def clip(self, t: Number) -> Number:
        """Nearest valid timestep: t clipped to ``[t_min, t_max]``."""
        return _like(t, np.clip(np.asarray(t, dtype=np.float64), self.t_min, self.t_max))

    def _log_snr(self, t: float | Array) -> Array:
        value = np.asarray(t, dtype=np.float64)
        slack = _ROUND_OFF * max(1.0, self.t_max)
        if value.size and not (np.min(value) >= self.t_min - slack and np.max(value) <= self.t_max + slack):
            raise TimestepError(
                f"t = {_shown(value, self.t_min, self.t_max)} is outside the {self.name} schedule's range "
                f"[{self.t_min:g}, {self.t_max:g}]. Choose t inside it, or clip it with schedule.clip(t)."
            )
        return self.curve.log_snr(np.clip(value, self.t_min, self.t_max))

    def _t_of_log_snr(self, log_snr: Array, given: float | Array, what: str) -> Array:
        high, low = self.curve.log_snr(np.array([self.t_min, self.t_max])).tolist()
        if log_snr.size and not (
            np.min(log_snr) >= low - _ROUND_OFF and np.max(log_snr) <= high + _ROUND_OFF
        ):
            raise TimestepError(
                f"{what} = {_shown(np.asarray(given, dtype=np.float64))} is not reached by the {self.name} "
                f"schedule, whose snr spans [{np.exp(low):.4g}, {np.exp(high):.4g}] (sigma "
                f"[{np.exp(-high / 2):.4g}, {np.exp(-low / 2):.4g}]). Choose a value in that range."
            )
        t = self.curve.t_of_log_snr(np.clip(log_snr, low, high))
        return np.clip(t, self.t_min, self.t_max)


def _like(given: float | Array, value: Array) -> Any:
    """A float for a scalar, an array for an array."""
    return float(value) if np.ndim(given) == 0 else np.asarray(value, dtype=np.float64)


def _shown(value: Array, low: float = -np.inf, high: float = np.inf) -> str:
    """The offending value, or the first of several."""
    flat = value.ravel()
    bad = flat[~((flat >= low) & (flat <= high))]
    return f"{(bad if bad.size else flat)[0]:g}" + (f" (1 of {flat.size} values)" if flat.size > 1 else "")


def _count(num_train_timesteps: int) -> int:
    if int(num_train_timesteps) != num_train_timesteps or num_train_timesteps < 2:
        raise ToolkitError(f"num_train_timesteps = {num_train_timesteps}; give a whole number of at least 2.")
    return int(num_train_timesteps)


def _check_sigmas(sigma_min: float, sigma_max: float) -> None:
    if not 0 < sigma_min < sigma_max < np.inf:
        raise ToolkitError(
            f"Need 0 < sigma_min < sigma_max < inf; got sigma_min = {sigma_min}, sigma_max = {sigma_max}."
        )
