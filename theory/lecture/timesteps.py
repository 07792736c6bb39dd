"""Chapters on the field's timesteps and how they react."""

from __future__ import annotations

import sympy as sp

from theory import symbolic as sy
from theory.lecture.chapter import Chapter, Result
from theory.lecture.signal import (
    Lambda,
    beta_slope,
    cosine_timestep,
    linear_timestep,
    root,
    root_slope,
    scaled_linear_timestep,
    share,
)
from theory.symbolic import Identity, sigma

_NAMES = {
    "linear": "linear betas",
    "scaled_linear": "scaled-linear betas",
    "cosine": "cosine",
    "flow_matching": "flow matching",
    "karras": "Karras",
}

_TIMESTEPS = r"""
The SNR of the optimum is a property of the images and the scale. Only its name, the timestep, belongs to
the schedule: put $\mathrm{snr}^* = c / (A (2 s)^a)$ into the inverses of chapter 2, whose
letters are used again. The same holds for
$t_{low}$ with $c_R$ in place of $c$ and for $t_{high}$ with its own SNR.
"""

_SENSITIVITY = """
One chain rule answers every question of the form "what if": the spectrum tells how the log-SNR moves, the
schedule what a relative change of SNR is worth in timesteps. It turns the error of a fitted spectrum into
that of the timestep. The exponent's error matters little where the power at a frequency near the cut-off is
held, and much where $A$, an extrapolation to one cycle per pixel, is.
"""


def timesteps() -> Chapter:
    """The closed forms on every schedule."""
    opt = sy.snr_optimal()
    drowned = sp.log(1 + 1 / opt)
    low, high = sp.symbols("sigma_min sigma_max", positive=True)
    inverse = 1 / sy.rho
    end = sp.Symbol("snr_T", positive=True)
    forms = {
        "linear": linear_timestep().subs(Lambda, drowned),
        "scaled_linear": scaled_linear_timestep().subs(Lambda, drowned),
        "cosine": cosine_timestep().subs(share, opt / (1 + opt)),
        "flow_matching": sy.t_optimal("flow_matching"),
        "karras": sy.t_optimal("karras"),
    }
    results = {
        f"t_opt_{family}": Result(f"Optimum, {_NAMES[family]}", "t^*(s)", form)
        for family, form in forms.items()
    }
    results["last_scale"] = Result(
        r"Scale beyond which the schedule has too little noise, with $\mathrm{snr}_T$ the SNR at its end",
        "s_{end}",
        (sy.constant / (sy.amplitude * end)) ** (1 / sy.exponent) / 2,
    )
    return Chapter(
        "The timesteps on each schedule",
        _TIMESTEPS,
        {
            "share_of_optimum": Identity(
                "Variance-preserving schedules: the share of signal left at the optimum",
                opt / (1 + opt),
                sy.constant / (sy.constant + sy.cutoff_psd()),
            ),
            "doubling_the_scale": Identity(
                "The best noise level grows by $2^{a/2}$ whenever the scale doubles",
                sp.sqrt(sp.Subs(1 / opt, sy.scale, 2 * sy.scale) * opt),
                2 ** (sy.exponent / 2),
            ),
            "half_of_flow_matching": Identity(
                "Flow matching is half used up at the scale where $S(f_c) = c$",
                sp.Subs(
                    sy.t_optimal("flow_matching"),
                    sy.scale,
                    (sy.constant / sy.amplitude) ** (1 / sy.exponent) / 2,
                ),
                sy.timesteps / 2,
            ),
            "linear_without_start": Identity(
                r"Linear betas that start at 0: $t$ is the square root of $\Lambda$, but for half a step",
                sp.Limit(linear_timestep(), sy.beta_start, 0),
                sp.sqrt(sp.Rational(1, 4) + 2 * Lambda / beta_slope) - sp.Rational(1, 2),
            ),
            "karras_becomes_logarithmic": Identity(
                r"Karras with a large $\rho$ is linear in $\log\sigma$: $t^*$ grows with the logarithm of the "
                "scale",
                sp.Limit((sigma**inverse - low**inverse) / (high**inverse - low**inverse), sy.rho, sp.oo),
                sp.log(sigma / low) / sp.log(high / low),
            ),
        },
        results,
    )


def sensitivities() -> Chapter:
    """Slopes, limits, growth and the error of a prediction."""
    t, level = sp.symbols("t^* sigma^*", positive=True)
    beta = sp.Symbol("beta(t^*)", positive=True)
    power, a, s = sy.cutoff_psd(), sy.exponent, sy.scale
    width = sy.sigma_max ** (1 / sy.rho) - sy.sigma_min ** (1 / sy.rho)
    results = {
        "dt_ds_variance_preserving": Result(
            r"Slope on a variance-preserving schedule, where $\beta$ is $d\Lambda / dt$",
            r"\frac{dt^*}{ds}",
            a * power / (s * (sy.constant + power) * beta),
        ),
        "dt_ds_flow_matching": Result(
            "with flow matching", r"\frac{dt^*}{ds}", a * t * (sy.timesteps - t) / (2 * s * sy.timesteps)
        ),
        "dt_ds_karras": Result(
            "and on Karras'",
            r"\frac{dt^*}{ds}",
            a * (sy.timesteps - 1) * level ** (1 / sy.rho) / (2 * s * sy.rho * width),
        ),
    }
    results["log_cutoff_variance"] = Result(
        r"Variance of $\log S(f_c)$ from the fit's standard errors $\delta_A$ of $\log A$ and $\delta_a$ of "
        "$a$ and their "
        r"correlation $\kappa$; its root times $|dt / d\log\mathrm{snr}|$ is the timestep's standard error",
        r"\delta^2",
        sy.log_cutoff_variance(),
    )
    return Chapter(
        "Sensitivities and limits",
        _SENSITIVITY,
        {**_spectrum_slopes(), **_schedule_slopes(), **_limits(), **_growth()},
        results,
    )


def _spectrum_slopes() -> dict[str, Identity]:
    power, pivot = sp.symbols("P f_p", positive=True)
    log_snr = sp.log(sy.snr_optimal())
    held = sp.log(sy.constant / (power * (2 * sy.scale * sy.reference_frequency) ** sy.exponent))
    at_pivot = sp.Symbol("delta_P", positive=True)
    spread = sy.exponent_std
    amplitude_std = sp.sqrt(at_pivot**2 + spread**2 * sp.log(pivot) ** 2)
    values = {
        sy.log_amplitude_std: amplitude_std,
        sy.correlation: spread * sp.log(pivot) / amplitude_std,
    }
    return {
        "slope_in_scale": Identity(
            "The scale", sp.Derivative(log_snr, sy.scale), sy.dlog_snr("t_opt", "scale")
        ),
        "slope_in_amplitude": Identity(
            "The amplitude, relatively", sy.amplitude * sp.Derivative(log_snr, sy.amplitude), sp.Integer(-1)
        ),
        "slope_in_exponent": Identity(
            "The exponent, with $A$ held",
            sp.Derivative(log_snr, sy.exponent),
            -sp.log(2 * sy.scale),
        ),
        "slope_in_exponent_held": Identity(
            "The exponent, with the power $P$ at a frequency $f_r$ held: nothing at all where $f_r = f_c$",
            sp.Derivative(held, sy.exponent),
            -sp.log(2 * sy.scale * sy.reference_frequency),
        ),
        "pivot": Identity(
            "A fit's error is smallest at its pivot $f_p$, where power and slope err independently; from "
            "there it opens "
            r"with the distance to the cut-off. The correlation of $\log A$ and $a$ is $\delta_a \log f_p / "
            r"\delta_A$",
            sy.log_cutoff_variance().subs(values),
            at_pivot**2 + spread**2 * sp.log(2 * sy.scale * pivot) ** 2,
        ),
    }


def _schedule_slopes() -> dict[str, Identity]:
    total = sp.Function("Lambda")(sy.t)
    level = sp.Symbol("sigma", positive=True)
    low, high = sy.sigma_min ** (1 / sy.rho), sy.sigma_max ** (1 / sy.rho)
    flow = sy.t_of_snr("flow_matching")
    return {
        "slope_variance_preserving": Identity(
            r"Variance-preserving schedules, with $\Lambda = -\log\bar\alpha$ whose slope is beta",
            sp.Derivative(sp.log(1 / (sp.exp(total) - 1)), sy.t),
            -sp.Derivative(total, sy.t) / (1 - sp.exp(-total)),
        ),
        "slope_flow_matching": Identity(
            r"Flow matching: $d t / d\log\mathrm{snr} = -t (T - t) / (2 T)$, most in the middle",
            sy.snr * sp.Derivative(flow, sy.snr),
            -flow * (sy.timesteps - flow) / (2 * sy.timesteps),
        ),
        "slope_karras": Identity(
            "Karras",
            sp.Derivative((sy.timesteps - 1) * (level ** (1 / sy.rho) - low) / (high - low), level),
            (sy.timesteps - 1) * level ** (1 / sy.rho - 1) / (sy.rho * (high - low)),
        ),
    }


def _limits() -> dict[str, Identity]:
    theta, low, width = sp.symbols("theta l w", positive=True)
    return {
        "limit_flow_matching": Identity(
            "Scale to infinity, no signal left: flow matching ends at $T$",
            sp.Limit(sy.t_of_snr("flow_matching"), sy.snr, 0),
            sy.timesteps,
        ),
        "limit_cosine": Identity(
            "the cosine at $T - 1$", sp.Limit(cosine_timestep(), share, 0), sy.timesteps - 1
        ),
        "limit_linear": Identity(
            "and the formulas of the others run past their schedule's end: linear betas",
            sp.Limit(linear_timestep(), Lambda, sp.oo),
            sp.oo,
        ),
        "limit_scaled_linear": Identity(
            r"scaled-linear betas, in the angle $\theta$ of chapter 2",
            sp.Limit(sp.cosh(theta / 3) / sp.sqrt(3) - root / root_slope, theta, sp.oo),
            sp.oo,
        ),
        "limit_karras": Identity(
            r"and Karras, with $l = \sigma_{\min}^{1/\rho}$ and $w = \sigma_{\max}^{1/\rho} - l$",
            sp.Limit((sigma ** (1 / sy.rho) - low) / width, sigma, sp.oo),
            sp.oo,
        ),
        "limit_scale_1": Identity(
            "A scale barely above 1 still misses the frequencies at Nyquist, so $t^*$ does not start from 0",
            sp.Limit(sy.snr_optimal(), sy.scale, 1),
            sy.constant / (sy.amplitude * 2**sy.exponent),
        ),
    }


def _growth() -> dict[str, Identity]:
    start = sp.Symbol("q", positive=True)
    words = {
        "linear": r"Linear betas: the noise grows as $u^2$, so $t^* \sim s^{a/2}$",
        "scaled_linear": r"Scaled-linear betas: as $u^3$, $t^* \sim s^{a/3}$",
        "cosine": "Cosine: as $u^2$",
        "flow_matching": "Flow matching: as $u^2$",
        "karras": r"Karras: as $u^{2 \rho}$, $t^* \sim s^{a/(2\rho)}$, nearly a logarithm",
    }
    steps = {}
    for family in sy.FAMILIES:
        variance = sy.noise_variance(family, sp.Integer(0))
        steps[f"growth_{family}"] = Identity(
            words[family]
            + ". The order of the noise in $u = t / T$ at small $u$, for many steps and a start at 0",
            sp.Limit(_log_slope(variance), sy.progress, 0),
            2 * sy.rho if family == "karras" else sp.Integer(3 if family == "scaled_linear" else 2),
        )
    steps["growth_at_start"] = Identity(
        r"While the first beta, $q$, is felt the noise grows as $u$, so $t^* \sim s^a$ (linear betas)",
        sp.Limit(_log_slope(sy.noise_variance("linear", start)), sy.progress, 0),
        sp.Integer(1),
    )
    return steps


def _log_slope(variance: sp.Expr) -> sp.Expr:
    return sp.simplify(sy.progress * sp.diff(variance, sy.progress) / variance)
