"""Chapters on the state and on the schedules."""

from __future__ import annotations

import sympy as sp

from theory import symbolic as sy
from theory.lecture.chapter import Chapter, Result
from theory.symbolic import Identity, sigma

share, Lambda = sp.symbols("alphabar Lambda", positive=True)
"""Share of signal and ``-log`` of it."""
beta_slope, root, root_slope = sp.symbols("g b d", positive=True)
"""Rise of a beta per step; the first beta's square root, and the rise of that per step."""

_offset, _phi = sp.symbols("o varphi_0", positive=True)
_half = sp.Rational(1, 2)

_STATE = r"""
Every diffusion model hides an image in noise, $x_t = \alpha_t x + \sigma_t n$, and families differ only in
the pair $(\alpha_t, \sigma_t)$. Dividing by $\alpha_t$ leaves $x + \sigma n$, with one number,
$\sigma^2 = 1/\mathrm{snr}$, that says how much of the image is left. A timestep is only a name for that
number.
"""

_SCHEDULES = r"""
A schedule is a map between timestep and signal-to-noise ratio. Five families have an inverse on paper. For
the two that are defined by their betas, $\Lambda = -\log\bar\alpha = -\sum\log(1 - \beta_k)$ is taken as
$\sum\beta_k$, a quadratic or a cubic in $t$; what this neglects is the first step below, and it costs fewer
than 4 of 1000 timesteps at the noisy end and 0.1 at $t = 150$. Letters: $g = (\beta_1 - \beta_0) / (T - 1)$,
$b = \sqrt{\beta_0}$, $d = (\sqrt{\beta_1} - \sqrt{\beta_0}) / (T - 1)$, $o = 0.008$ and
$\varphi_0 = \pi o / (2 + 2 o)$ of the cosine.
"""


def state() -> Chapter:
    """What all model families have in common."""
    kept = 1 / (1 + sigma**2)
    u = sigma / (1 + sigma)
    return Chapter(
        "The state and its signal-to-noise ratio",
        _STATE,
        {
            "variance_preserving_snr": Identity(
                r"Variance-preserving models keep the share $\bar\alpha = 1 / (1 + \sigma^2)$ of signal; their "
                r"SNR is $\bar\alpha / (1 - \bar\alpha)$",
                kept / (1 - kept),
                sigma**-2,
            ),
            "flow_matching_snr": Identity(
                r"Flow matching mixes $(1 - u) x + u n$; the noise level $\sigma$ is met at "
                r"$u = \sigma / (1 + \sigma)$",
                ((1 - u) / u) ** 2,
                sigma**-2,
            ),
            "same_noise_two_names": Identity(
                r"So the two are one: flow time $u$ has the share $\bar\alpha = (1-u)^2 / ((1-u)^2 + u^2)$",
                (1 - u) ** 2 / ((1 - u) ** 2 + u**2),
                kept,
            ),
        },
    )


def linear_total() -> sp.Expr:
    """Sum of linear betas over the steps 0..t."""
    return sy.beta_start * (sy.t + 1) + beta_slope * sy.t * (sy.t + 1) / 2


def linear_timestep() -> sp.Expr:
    """Its inverse: t as a function of Lambda."""
    middle = sy.beta_start / beta_slope + _half
    return sp.sqrt(middle**2 + 2 * (Lambda - sy.beta_start) / beta_slope) - middle


def scaled_linear_total() -> sp.Expr:
    """Sum of scaled-linear betas over the steps 0..t."""
    t = sy.t
    return root**2 * (t + 1) + root * root_slope * t * (t + 1) + root_slope**2 * t * (t + 1) * (2 * t + 1) / 6


def scaled_linear_timestep() -> sp.Expr:
    """Its inverse: t as a function of Lambda."""
    first = root - root_slope / 2
    m = 3 * root_slope * Lambda + first**3 - root_slope**2 * first / 4
    angle = sp.acosh(12 * sp.sqrt(3) * m / root_slope**3)
    return sp.cosh(angle / 3) / sp.sqrt(3) - root / root_slope - _half


def cosine_share() -> sp.Expr:
    """Share of signal of the cosine schedule at timestep t."""
    angle = sp.pi / 2 * ((sy.t + 1) / sy.timesteps + _offset) / (1 + _offset)
    return (sp.cos(angle) / sp.cos(_phi)) ** 2


def cosine_timestep() -> sp.Expr:
    """Its inverse: t as a function of the share."""
    angle = sp.acos(sp.cos(_phi) * sp.sqrt(share))
    return sy.timesteps * ((1 + _offset) * 2 / sp.pi * angle - _offset) - 1


def karras_timestep() -> sp.Expr:
    """Timestep of the Karras schedule as a function of sigma."""
    return sy.t_of_snr("karras").subs(sy.snr, sigma**-2)


def schedules() -> Chapter:
    """Timestep and SNR of each family, and back."""
    beta = sp.Symbol("beta", positive=True)
    neglected = Identity(
        r"What the limit neglects of $-\log(1 - \beta)$ is $\beta^2 / 2$ to leading order",
        sp.Limit((-sp.log(1 - beta) - beta) / beta**2, beta, 0),
        _half,
    )
    betas = r"with $\mathrm{snr} = 1 / (e^\Lambda - 1)$, $\Lambda = \log(1 + 1/\mathrm{snr})$"
    return Chapter(
        "Schedules",
        _SCHEDULES,
        {"what_is_neglected": neglected, **_linear(), **_scaled_linear(), **_exact_families()},
        {
            "noise_linear": Result(f"Linear betas, {betas}", r"\Lambda(t)", linear_total()),
            "t_linear": Result("and back", r"t(\Lambda)", linear_timestep()),
            "noise_scaled_linear": Result(
                "Scaled-linear betas, likewise", r"\Lambda(t)", scaled_linear_total()
            ),
            "t_scaled_linear": Result("and back", r"t(\Lambda)", scaled_linear_timestep()),
            "share_cosine": Result(
                r"Cosine, with $\bar\alpha = \mathrm{snr} / (1 + \mathrm{snr})$",
                r"\bar\alpha(t)",
                cosine_share(),
            ),
            "t_cosine": Result("and back", r"t(\bar\alpha)", cosine_timestep()),
            "snr_flow_matching": Result("Flow matching", r"\mathrm{snr}(t)", sy.snr_of_t("flow_matching")),
            "t_flow_matching": Result("and back", r"t(\mathrm{snr})", sy.t_of_snr("flow_matching")),
            "snr_karras": Result("Karras (EDM)", r"\mathrm{snr}(t)", sy.snr_of_t("karras")),
            "t_karras": Result("and back", r"t(\sigma)", karras_timestep()),
        },
    )


def _linear() -> dict[str, Identity]:
    k = sp.Symbol("k", integer=True, nonnegative=True)
    return {
        "linear_sum": Identity(
            "Betas that rise by $g$ a step sum to a quadratic",
            sp.Sum(sy.beta_start + beta_slope * k, (k, 0, sy.t)),
            linear_total(),
        ),
        "linear_inverse": Identity(
            "whose positive root is the timestep",
            sp.Subs(linear_total(), sy.t, linear_timestep()),
            Lambda,
        ),
    }


def _scaled_linear() -> dict[str, Identity]:
    k = sp.Symbol("k", integer=True, nonnegative=True)
    theta = sp.Symbol("theta", positive=True)
    v, first = root + root_slope * (sy.t + _half), root - root_slope / 2
    solution = root_slope / sp.sqrt(3) * sp.cosh(theta)
    return {
        "scaled_linear_sum": Identity(
            "Betas whose roots rise from $b$ by $d$ a step sum to a cubic",
            sp.Sum((root + root_slope * k) ** 2, (k, 0, sy.t)),
            scaled_linear_total(),
        ),
        "scaled_linear_cubic": Identity(
            r"In $v = b + d (t + 1/2)$ it has no square term: $3 d \Lambda$ is the rise of $v^3 - d^2 v / 4$",
            3 * root_slope * scaled_linear_total(),
            (v**3 - root_slope**2 * v / 4) - (first**3 - root_slope**2 * first / 4),
        ),
        "scaled_linear_root": Identity(
            r"The triple angle solves that, with $v = d \cosh\theta / \sqrt{3}$, the only real root",
            solution**3 - root_slope**2 / 4 * solution,
            root_slope**3 / (12 * sp.sqrt(3)) * sp.cosh(3 * theta),
        ),
    }


def _exact_families() -> dict[str, Identity]:
    return {
        "cosine_inverse": Identity(
            "The cosine's share of signal is a squared cosine, so a timestep is an arc cosine",
            sp.Subs(cosine_share(), sy.t, cosine_timestep()),
            share,
        ),
        "flow_matching_inverse": Identity(
            "Flow matching turned around",
            sp.Subs(sy.snr_of_t("flow_matching"), sy.t, sy.t_of_snr("flow_matching")),
            sy.snr,
        ),
        "karras_inverse": Identity(
            r"and Karras, whose $\sigma^{1/\rho}$ is linear in $t$",
            sp.Subs(sy.snr_of_t("karras"), sy.t, karras_timestep()),
            sigma**-2,
        ),
    }
