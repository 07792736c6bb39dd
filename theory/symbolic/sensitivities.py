"""How the field's timesteps react to what they are made from, as algebra: slopes, limits, growth and uncertainty.

Everything follows from one chain rule, ``dt = dt/dlog(snr) * dlog(snr)``: the schedule gives the first factor, the
spectrum the second. Expressions are in the symbols of `theory.symbolic`. This is the project's own derivation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import sympy as sp

from theory.spectra import PowerLaw
from theory.symbolic.expressions import (
    FAMILIES,
    Family,
    Quantity,
    amplitude,
    beta_end,
    constant,
    defaults,
    exponent,
    rho,
    scale,
    sigma_max,
    snr,
    snr_at,
    snr_of_t,
    snr_optimal,
    t,
    t_of_snr,
    t_optimal,
    timesteps,
)

Variable = Literal["scale", "log_amplitude", "exponent", "exponent_at_reference"]

reference_frequency = sp.Symbol("f_r", positive=True)
log_amplitude_std, exponent_std = sp.symbols("delta_A delta_a", nonnegative=True)
correlation = sp.Symbol("kappa", real=True)
progress = sp.Symbol("u", positive=True)


def dlog_snr(quantity: Quantity, variable: Variable) -> sp.Expr:
    """Derivative of the log-SNR of one of the field's timesteps.

    Parameters
    ----------
    quantity : {"t_low", "t_opt", "t_high"}
    variable : {"scale", "log_amplitude", "exponent", "exponent_at_reference"}
        The exponent alone turns the spectrum around one cycle per pixel, where images have no power; "at
        reference" holds the power at the frequency f_r instead.
    """
    log_snr = sp.expand_log(sp.log(snr_at(quantity)))
    by_amplitude = amplitude * sp.diff(log_snr, amplitude)
    if variable == "scale":
        return sp.diff(log_snr, scale)
    if variable == "log_amplitude":
        return by_amplitude
    by_exponent = sp.diff(log_snr, exponent)
    return by_exponent if variable == "exponent" else by_exponent + by_amplitude * sp.log(reference_frequency)


def dt_dlog_snr(family: Family) -> sp.Expr:
    """``snr * dt/dsnr``, negative: what a relative change of the SNR is worth in timesteps."""
    return snr * sp.diff(t_of_snr(family), snr)


def sensitivity(family: Family, variable: Variable, quantity: Quantity = "t_opt") -> sp.Expr:
    """Derivative of one of the field's timesteps, by the chain rule; arguments as for `dlog_snr`."""
    return dlog_snr(quantity, variable) * dt_dlog_snr(family).subs(snr, snr_at(quantity))


def dt_ds(family: Family) -> sp.Expr:
    """Slope ``dt*/ds``, positive: every larger scale needs more noise."""
    return sensitivity(family, "scale")


def log_cutoff_variance() -> sp.Expr:
    """Variance of ``log S(f_c) = log A + a log(2 s)`` from the errors of log A and a and their correlation."""
    octaves = sp.log(2 * scale)
    mixed = 2 * correlation * log_amplitude_std * exponent_std * octaves
    return log_amplitude_std**2 + mixed + exponent_std**2 * octaves**2


def timestep_std(family: Family) -> sp.Expr:
    """Standard error of t* from that of the spectrum's fit, by the delta method.

    In the symbols `log_amplitude_std`, `exponent_std` and `correlation`. A fit over frequencies well below one
    cycle per pixel has a correlation near -1, since A is an extrapolation: leaving it out misstates the error.
    """
    return -dt_dlog_snr(family).subs(snr, snr_optimal()) * sp.sqrt(log_cutoff_variance())


def last_scale(family: Family) -> sp.Expr:
    """Scale at which t* reaches T - 1, where the schedule ends; infinite for the cosine, whose SNR is 0 there."""
    end = sp.simplify(snr_of_t(family).subs(t, timesteps - 1))
    return sp.oo if end == 0 else (constant / (amplitude * end)) ** (1 / exponent) / 2


def noise_variance(family: Family, start: sp.Expr) -> sp.Expr:
    """``1 / snr`` at ``u = t / T`` for infinitely many steps.

    Parameters
    ----------
    family : {"linear", "scaled_linear", "cosine", "flow_matching", "karras"}
    start : sympy.Expr
        Where the schedule begins: ``T beta_0`` for linear betas, its square root for scaled-linear ones, the
        cosine's offset (0.008), sigma_min for Karras; flow matching has none. `beta_end` stands for ``T beta_1``.
    """
    if family == "linear":
        return sp.exp(start * progress + (beta_end - start) * progress**2 / 2) - 1
    if family == "scaled_linear":
        width = sp.sqrt(beta_end) - start
        return sp.exp(((start + width * progress) ** 3 - start**3) / (3 * width)) - 1
    if family == "cosine":
        first, angle = (sp.pi / 2 * (x + start) / (1 + start) for x in (0, progress))
        return (sp.cos(first) / sp.cos(angle)) ** 2 - 1
    if family == "flow_matching":
        return (progress / (1 - progress)) ** 2
    low, high = start ** (1 / rho), sigma_max ** (1 / rho)
    return (low + progress * (high - low)) ** (2 * rho)


def sensitivity_table(law: PowerLaw, s: float, c: float = 1.0) -> list[dict[str, float | str]]:
    """Optimum, slopes and standard error of one spectrum and scale, in numbers, on every schedule.

    Parameters
    ----------
    law : PowerLaw
        With the standard errors of its fit.
    s : float
        Scale, above 1.
    c : float
        Constant of the optimum.

    Returns
    -------
    list of dict
        One per family: "schedule", "t_opt", "dt_ds", "dt_dlog_amplitude", "dt_da", "dt_da_at_pivot" (the power at
        the fit's pivot held) and "t_std", all in timesteps.
    """
    # The fit's level and slope are uncorrelated at its pivot, which fixes their correlation elsewhere.
    ratio = (
        law.exponent_std * float(np.log(law.pivot)) / law.amplitude_log_std if law.amplitude_log_std else 0.0
    )
    values = {
        scale: s,
        amplitude: law.amplitude,
        exponent: law.exponent,
        constant: c,
        reference_frequency: law.pivot,
        log_amplitude_std: law.amplitude_log_std,
        exponent_std: law.exponent_std,
        correlation: float(np.clip(ratio, -1, 1)),
    }
    columns: dict[str, Callable[[Family], sp.Expr]] = {
        "t_opt": t_optimal,
        "dt_ds": dt_ds,
        "dt_dlog_amplitude": lambda family: sensitivity(family, "log_amplitude"),
        "dt_da": lambda family: sensitivity(family, "exponent"),
        "dt_da_at_pivot": lambda family: sensitivity(family, "exponent_at_reference"),
        "t_std": timestep_std,
    }
    rows: list[dict[str, float | str]] = []
    for family in FAMILIES:
        row: dict[str, float | str] = {"schedule": family}
        for name, make in columns.items():
            row[name] = float(make(family).subs(defaults(family) | values).evalf())
        rows.append(row)
    return rows
