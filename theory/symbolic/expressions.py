"""The closed form as algebra: SNR and timestep of five schedule families, and the field's timesteps on each.

Everything is a sympy expression in the symbols below; `numeric` turns one into a function of numbers. How the
timesteps react to their inputs is in `theory.symbolic.sensitivities`, the proofs are in `theory.lecture`. This is the
project's own derivation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, get_args

import sympy as sp

from theory.errors import ToolkitError

Family = Literal["linear", "scaled_linear", "cosine", "flow_matching", "karras"]
Quantity = Literal["t_low", "t_opt", "t_high"]

FAMILIES: tuple[Family, ...] = get_args(Family)

scale, amplitude, exponent, constant = sp.symbols("s A a c", positive=True)
snr, t, timesteps = sp.symbols("snr t T", positive=True)
beta_start, beta_end = sp.symbols("beta_0 beta_1", positive=True)
sigma_min, sigma_max, rho = sp.symbols("sigma_min sigma_max rho", positive=True)
eps_realism, eps_signature = sp.symbols("epsilon_R epsilon_L", positive=True)
c_realism, c_signature = sp.symbols("c_R c_L", positive=True)
signature_frequency = sp.Symbol("f_s", positive=True)

_NAMES = {
    snr: r"\mathrm{snr}",
    sigma_min: r"\sigma_{\min}",
    sigma_max: r"\sigma_{\max}",
    sp.Symbol("sigma_n", positive=True): r"\sigma'",
    sp.Symbol("alphabar", positive=True): r"\bar\alpha",
    sp.Symbol("snr_T", positive=True): r"\mathrm{snr}_T",
    sp.Symbol("t^*", positive=True): "{t^*}",
    sp.Symbol("sigma^*", positive=True): r"{\sigma^*}",
    sp.Symbol("beta(t^*)", positive=True): r"{\beta(t^*)}",
}
_BETAS = {beta_start: 1e-4, beta_end: 0.02}
_OFFSET = sp.Rational(8, 1000)


def defaults(family: Family) -> dict[sp.Symbol, float]:
    """Values of a family's parameters, those of `theory.NoiseSchedule`'s constructors.

    Raises
    ------
    ToolkitError
        If the family is unknown.
    """
    parameters: dict[Family, dict[sp.Symbol, float]] = {
        "linear": _BETAS,
        "scaled_linear": {beta_start: 0.00085, beta_end: 0.012},
        "cosine": {},
        "flow_matching": {},
        "karras": {sigma_min: 0.002, sigma_max: 80.0, rho: 7.0},
    }
    return {timesteps: 1000, **parameters[_known(family)]}


def beta(family: Literal["linear", "scaled_linear"], step: sp.Expr = t) -> sp.Expr:
    """The beta of a step of the families that are defined by theirs."""
    if family == "linear":
        return beta_start + (beta_end - beta_start) / (timesteps - 1) * step
    return (sp.sqrt(beta_start) + root_slope() * step) ** 2


def root_slope() -> sp.Expr:
    """Increase of sqrt(beta) per step of the scaled-linear family."""
    return (sp.sqrt(beta_end) - sp.sqrt(beta_start)) / (timesteps - 1)


def minus_log_alpha_cumprod(family: Literal["linear", "scaled_linear"]) -> sp.Expr:
    """``-log alphas_cumprod(t)`` in the variance-preserving limit: the sum of beta over the steps 0..t.

    A quadratic in t for linear, a cubic for scaled-linear betas; see `approximation_error` for what is neglected.
    """
    if family == "linear":
        return beta_start * (t + 1) + (beta_end - beta_start) * t * (t + 1) / (2 * (timesteps - 1))
    root, slope = sp.sqrt(beta_start), root_slope()
    return root**2 * (t + 1) + root * slope * t * (t + 1) + slope**2 * t * (t + 1) * (2 * t + 1) / 6


@cache
def approximation_error(family: Family) -> sp.Expr:
    """How many steps too high `t_of_snr` is at timestep t, to leading order; 0 for the exact families.

    Neglecting ``sum beta^2 / 2`` of ``-log(1 - beta) = beta + beta^2 / 2 + ...`` moves t by that over beta(t).
    """
    if family not in ("linear", "scaled_linear"):
        _known(family)
        return sp.Integer(0)
    # Summed in letters of its own: with sqrt(beta_0) inside, sympy takes ten times as long.
    first, slope = sp.symbols("p q", positive=True)
    step = sp.Symbol("k", integer=True, nonnegative=True)
    power = 2 if family == "linear" else 4
    neglected = sp.summation(sp.expand((first + slope * step) ** power), (step, 0, t)) / 2
    if family == "linear":
        values = {first: beta_start, slope: (beta_end - beta_start) / (timesteps - 1)}
    else:
        values = {first: sp.sqrt(beta_start), slope: root_slope()}
    return neglected.subs(values) / beta(family)


def snr_of_t(family: Family) -> sp.Expr:
    """SNR as a function of the timestep; `t_of_snr` is its inverse and tells what is neglected."""
    if family in ("linear", "scaled_linear"):
        return 1 / (sp.exp(minus_log_alpha_cumprod(family)) - 1)
    if family == "cosine":
        angle = ((t + 1) / timesteps + _OFFSET) / (1 + _OFFSET) * sp.pi / 2
        kept = (sp.cos(angle) / _cosine_first()) ** 2
        return kept / (1 - kept)
    if _known(family) == "flow_matching":
        return (timesteps / t - 1) ** 2
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return (low + t / (timesteps - 1) * (high - low)) ** (-2 * rho)


def t_of_snr(family: Family) -> sp.Expr:
    """Timestep as a function of the SNR.

    The betas' families take the variance-preserving limit ``-log alphas_cumprod(t) = sum beta``. Linear betas
    then make a quadratic in t; the root is too high by about ``t beta(t) / 6``: 0.02 steps at t = 75, 1 at 550,
    3.4 at 999 of the usual 1000. Scaled-linear betas make a cubic, ``v^3 - d^2 v / 4 = m`` in
    ``v = sqrt(beta_0) + d (t + 1/2)``, whose one real root is a hyperbolic cosine of a third of an angle; it is too
    high by 0.02 steps at t = 50, 0.07 at 150, 0.5 at 550 and 1.6 at 999. The cosine, flow-matching and Karras
    families are exact (the first up to its last, capped, step, and at whole timesteps).

    Parameters
    ----------
    family : {"linear", "scaled_linear", "cosine", "flow_matching", "karras"}

    Raises
    ------
    ToolkitError
        If the family is none of these.
    """
    noise = sp.log(1 + 1 / snr)
    if family == "linear":
        slope = (beta_end - beta_start) / (2 * (timesteps - 1))
        middle = beta_start + slope
        return (sp.sqrt(middle**2 + 4 * slope * (noise - beta_start)) - middle) / (2 * slope)
    if family == "scaled_linear":
        root, slope = sp.sqrt(beta_start), root_slope()
        first = root - slope / 2
        m = 3 * slope * noise + first**3 - slope**2 * first / 4
        v = slope / sp.sqrt(3) * sp.cosh(sp.acosh(12 * sp.sqrt(3) * m / slope**3) / 3)
        return (v - root) / slope - sp.Rational(1, 2)
    if family == "cosine":
        angle = sp.acos(_cosine_first() * sp.sqrt(snr / (1 + snr)))
        return timesteps * ((1 + _OFFSET) * 2 / sp.pi * angle - _OFFSET) - 1
    if _known(family) == "flow_matching":
        return timesteps / (1 + sp.sqrt(snr))
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return (timesteps - 1) * (snr ** (-1 / (2 * rho)) - low) / (high - low)


def _cosine_first() -> sp.Expr:
    return sp.cos(_OFFSET / (1 + _OFFSET) * sp.pi / 2)


def cutoff_psd() -> sp.Expr:
    """``S(f_c) = A (2 s)^a`` of a power law at the cut-off ``f_c = 1 / (2 s)``."""
    return amplitude * (2 * scale) ** exponent


def realism_threshold() -> sp.Expr:
    """``c_R``: the ``snr * S`` at which the realism deficit of a missing frequency is epsilon_R."""
    return 1 / (1 - sp.sqrt(eps_realism)) ** 2 - 1


def signature_threshold() -> sp.Expr:
    """``c_L``: the ``snr * S`` at which the signature loss of a surviving frequency is epsilon_L."""
    kept = (1 - eps_signature) ** 2
    return kept / (1 - kept)


def snr_optimal() -> sp.Expr:
    """``snr(t*) = c / S(f_c) = c / (A (2 s)^a)``."""
    return constant / cutoff_psd()


def snr_low() -> sp.Expr:
    """``snr(t_low) = c_R / S(f_c)``: the most signal with which the missing band is drowned well enough."""
    return c_realism / cutoff_psd()


def snr_high() -> sp.Expr:
    """``snr(t_high) = c_L / S(f_s)``: the least signal that keeps the signature; the scale is not in it."""
    return c_signature * signature_frequency**exponent / amplitude


def snr_at(quantity: Quantity) -> sp.Expr:
    """SNR of one of the field's three timesteps."""
    return {"t_low": snr_low, "t_opt": snr_optimal, "t_high": snr_high}[quantity]()


def t_at(family: Family, quantity: Quantity) -> sp.Expr:
    """One of the field's three timesteps on a schedule: `t_of_snr` at `snr_at`."""
    return t_of_snr(family).subs(snr, snr_at(quantity))


def t_optimal(family: Family) -> sp.Expr:
    """``t*(s)``."""
    return t_at(family, "t_opt")


def critical_scale() -> sp.Expr:
    """Scale at which t_low and t_high meet, for c_R <= c_L; `critical_scale_bounded` holds always."""
    return (c_realism / c_signature) ** (1 / exponent) / (2 * signature_frequency)


def critical_scale_bounded() -> sp.Expr:
    """Critical scale with its two ends: beyond ``1 / (2 f_s)`` lr has lost the signature, below 1 is no scale."""
    share = sp.Min(1, (c_realism / c_signature) ** (1 / exponent))
    return sp.Max(1, share / (2 * signature_frequency))


def numeric(
    expression: sp.Expr, *arguments: sp.Symbol, values: Mapping[sp.Symbol, Any] | None = None
) -> Callable[..., Any]:
    """A numpy function of `arguments`, the other symbols taking their `values` (see `defaults`).

    Examples
    --------
    >>> values = defaults("flow_matching")
    >>> t_opt = numeric(t_optimal("flow_matching"), scale, amplitude, exponent, constant, values=values)
    >>> float(t_opt(4.0, 1 / 8**3, 3.0, 1.0))
    500.0
    """
    fixed = {symbol: value for symbol, value in (values or {}).items() if symbol not in arguments}
    return sp.lambdify(arguments, expression.subs(fixed), "numpy")


def latex(expression: sp.Basic, name: str = "") -> str:
    """LaTeX of an expression, as ``name = ...`` if a name is given, for notebooks."""
    body = sp.latex(expression, symbol_names=_NAMES)
    return f"{name} = {body}" if name else body


def _known(family: str) -> Family:
    for known in FAMILIES:
        if family == known:
            return known
    raise ToolkitError(f"family {family!r} is unknown; choose one of {', '.join(FAMILIES)}.")
