"""The closed form as algebra: the optimal timestep t*(s), its limits and its slope, for four schedule families.

Everything is a sympy expression in the symbols below; `numeric` turns t*(s) into a function of numbers. The
identities behind the theory are in `theory.identities`. This is the project's own derivation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import sympy as sp

from theory.errors import ToolkitError

Family = Literal["linear", "cosine", "flow_matching", "karras"]

scale = sp.Symbol("s", positive=True)
amplitude = sp.Symbol("A", positive=True)
exponent = sp.Symbol("a", positive=True)
constant = sp.Symbol("c", positive=True)
snr = sp.Symbol(r"\mathrm{snr}", positive=True)
timesteps = sp.Symbol("T", positive=True)
beta_start, beta_end = sp.symbols("beta_0 beta_1", positive=True)
sigma_min, sigma_max, rho = sp.symbols("sigma_min sigma_max rho", positive=True)

DEFAULTS: dict[sp.Symbol, float] = {
    timesteps: 1000,
    beta_start: 1e-4,
    beta_end: 0.02,
    sigma_min: 0.002,
    sigma_max: 80.0,
    rho: 7.0,
}
"""Values of the schedules' parameters, as in `theory.schedule.NoiseSchedule`."""

_OFFSET = sp.Rational(8, 1000)


def snr_optimal() -> sp.Expr:
    """``snr(t*) = c / S(f_c) = c / (A (2 s)^a)``."""
    return constant / (amplitude * (2 * scale) ** exponent)


def t_of_snr(family: Family) -> sp.Expr:
    """Timestep as a function of the SNR.

    Linear betas take the variance-preserving limit ``log alphas_cumprod(t) = -sum beta``, in which the sum over
    the steps 0..t is exactly ``b0 (t + 1) + (b1 - b0) t (t + 1) / (2 (T - 1))``, a quadratic. What is neglected,
    ``sum beta^2 / 2``, puts t too high by about ``t beta(t) / 6``: 0.02 steps at t = 75, 1 at 550, 3.3 at 999 of
    the usual 1000. The cosine, flow-matching and Karras families are exact (the first up to its last, capped,
    step, and at whole timesteps).

    Parameters
    ----------
    family : {"linear", "cosine", "flow_matching", "karras"}

    Raises
    ------
    ToolkitError
        If the family is none of these.
    """
    if family == "linear":
        slope = (beta_end - beta_start) / (2 * (timesteps - 1))
        log_term = sp.log(1 + 1 / snr)
        middle = beta_start + slope
        return (sp.sqrt(middle**2 + 4 * slope * (log_term - beta_start)) - middle) / (2 * slope)
    if family == "cosine":
        first = sp.cos(_OFFSET / (1 + _OFFSET) * sp.pi / 2)
        angle = sp.acos(first * sp.sqrt(snr / (1 + snr)))
        return timesteps * ((1 + _OFFSET) * 2 / sp.pi * angle - _OFFSET) - 1
    if family == "flow_matching":
        return timesteps / (1 + sp.sqrt(snr))
    if family == "karras":
        low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
        return (timesteps - 1) * (snr ** (-1 / (2 * rho)) - low) / (high - low)
    raise ToolkitError(f"family {family!r} is unknown; choose one of {', '.join(get_args(Family))}.")


def t_optimal(family: Family) -> sp.Expr:
    """``t*(s)``: `t_of_snr` at `snr_optimal`."""
    return t_of_snr(family).subs(snr, snr_optimal())


def t_limits(family: Family) -> dict[str, sp.Expr]:
    """Limits of t*(s): "s->1" (a scale barely above 1) and "s->oo".

    For s to infinity the SNR tends to 0, so that the image is noise alone: the last timestep where the family is
    bounded (cosine, flow matching), infinity where the formula runs past the schedule's end (linear, Karras).
    """
    formula = t_of_snr(family)
    if family in ("linear", "karras"):
        # sympy needs the signs of differences such as beta_1 - beta_0.
        formula = formula.subs({symbol: sp.nsimplify(value) for symbol, value in DEFAULTS.items()})
    return {
        "s->1": t_optimal(family).subs(scale, 1),
        "s->oo": sp.expand(sp.limit(formula, snr, 0, "+")),
    }


def dt_ds(family: Family) -> sp.Expr:
    """Slope ``dt*/ds``, positive: every larger scale needs more noise.

    By the chain rule, since ``d snr*/ds = -a snr* / s``.
    """
    slope = -exponent / scale * snr * sp.diff(t_of_snr(family), snr)
    return slope.subs(snr, snr_optimal())


def critical_scale() -> sp.Expr:
    """Scale at which t_low and t_high meet; see `theory.closed_form`."""
    c_r, c_l, f_s = sp.symbols("c_R c_L f_s", positive=True)
    return (c_r / c_l) ** (1 / exponent) / (2 * f_s)


def numeric(
    expression: sp.Expr, *arguments: sp.Symbol, values: Mapping[sp.Symbol, Any] = DEFAULTS
) -> Callable[..., Any]:
    """A numpy function of `arguments`, the other symbols taking their `values`.

    Examples
    --------
    >>> t = numeric(t_optimal("flow_matching"), scale, amplitude, exponent, constant)
    >>> float(t(4.0, 1 / 8**3, 3.0, 1.0))
    500.0
    """
    fixed = {symbol: value for symbol, value in values.items() if symbol not in arguments}
    return sp.lambdify(arguments, expression.subs(fixed), "numpy")


def latex(expression: sp.Expr | sp.Eq, name: str = "") -> str:
    """LaTeX of an expression, as ``name = ...`` if a name is given, for notebooks."""
    body = sp.latex(expression)
    return f"{name} = {body}" if name else body
