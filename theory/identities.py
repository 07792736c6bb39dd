"""Every step of the theory as an equation that sympy can check.

Each `Identity` claims ``left = right``; ``identity.holds()`` simplifies the difference to zero. Inequalities enter
through an equation whose right side is a sum of visibly non-negative terms.

Symbols: S spectrum at one frequency, r = snr S, h what down-then-up keeps, sigma and sigma' the noise levels before
and after a step (coordinates ``x = x0 + sigma * noise``), eta DDIM's parameter.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theory import symbolic

S, r, sigma, nxt, eta = sp.symbols("S r sigma sigma' eta", positive=True)
h = sp.Symbol("h", positive=True)
eps = sp.Symbol("epsilon", positive=True)


@dataclass(frozen=True)
class Identity:
    """An equation with what it says.

    Attributes
    ----------
    statement : str
        In words.
    left, right : sympy.Expr
    """

    statement: str
    left: sp.Expr
    right: sp.Expr

    def holds(self) -> bool:
        """Whether sympy reduces ``left - right`` to zero."""
        difference = sp.simplify(self.left - self.right)
        return bool(difference == 0 or sp.simplify(sp.expand(sp.radsimp(difference))) == 0)

    def latex(self) -> str:
        """The equation in LaTeX."""
        return sp.latex(sp.Eq(self.left, self.right, evaluate=False))


def _flow() -> dict[str, Identity]:
    level = S / r  # sigma^2
    gain = sp.sqrt(S / (S + level))
    power = gain**2 * level
    generic = sp.sqrt(S / (S + sigma**2))
    return {
        "flow_gain_solves_ode": Identity(
            "The gain of the probability flow solves dx/dsigma = (x - D(x)) / sigma: x grows as sqrt(S + sigma^2)",
            sp.diff(1 / generic, sigma),
            (1 - S / (S + sigma**2)) / generic / sigma,
        ),
        "survived_error": Identity(
            "Error of the probability flow where everything survived",
            (1 - gain) ** 2 * S + gain**2 * level,
            2 * S * (1 - sp.sqrt(r / (1 + r))),
        ),
        "survived_power": Identity(
            "Where everything survived the output has the original's power: no Frechet deficit",
            gain**2 * (S + level),
            S,
        ),
        "lost_power": Identity("Output power where all was lost", power, S / (1 + r)),
        "lost_error": Identity("Error where all was lost", S + power, S + S / (1 + r)),
        "lost_deficit": Identity(
            "Relative Frechet deficit of a lost frequency is R",
            (sp.sqrt(S) - sp.sqrt(power)) ** 2 / S,
            (1 - 1 / sp.sqrt(1 + r)) ** 2,
        ),
    }


def _sampling() -> dict[str, Identity]:
    bar, bar_next = 1 / (1 + sigma**2), 1 / (1 + nxt**2)
    fresh = eta**2 * nxt**2 * (sigma**2 - nxt**2) / sigma**2
    ddim = eta**2 * (1 - bar_next) / (1 - bar) * (1 - bar / bar_next)
    keep = S / (S + sigma**2)
    direction = (1 - bar_next - ddim) / bar_next
    return {
        "ddim_eta": Identity(
            "DDIM's eq. 16, squared and divided by the arrival's alphas_cumprod, is eta^2 times the ancestral variance",
            ddim / bar_next,
            fresh,
        ),
        "ddim_direction": Identity(
            "DDIM's 'direction pointing to x_t' divided by alpha is sqrt(sigma'^2 - s_up^2)",
            direction,
            nxt**2 - fresh,
        ),
        "ancestral_is_posterior": Identity(
            "At eta = 1 the fresh variance is that of q(x' | x, x0), precision 1/sigma'^2 + 1/(sigma^2 - sigma'^2)",
            fresh.subs(eta, 1),
            1 / (1 / nxt**2 + 1 / (sigma**2 - nxt**2)),
        ),
        "posterior_error": Identity(
            "A posterior sample of a surviving frequency has twice the minimum mean squared error",
            (1 - keep) ** 2 * S + keep**2 * sigma**2 + (1 - keep) * S,
            2 * S / (1 + S / sigma**2),
        ),
    }


def _information() -> dict[str, Identity]:
    ratio = symbolic.snr
    lost_gap = (r - (1 / (1 + r) - 1 + sp.log(1 + r))) / 2
    q = (h**2 * S + sigma**2) / (S + sigma**2)
    return {
        "i_mmse": Identity(
            "The derivative of the information in the SNR is half the mmse",
            sp.diff(sp.log(1 + ratio * S) / 2, ratio),
            S / (1 + ratio * S) / 2,
        ),
        "lost_kl_starts_tight": Identity(
            "At snr 0 the bound of a lost frequency equals its KL", lost_gap.subs(r, 0), sp.Integer(0)
        ),
        "lost_kl_is_bounded": Identity(
            "The gap between bound and KL of a lost frequency only grows with the SNR",
            sp.diff(lost_gap, r),
            (r**2 + r + 1) / (2 * (1 + r) ** 2),
        ),
        "partial_kl_slope": Identity(
            "In h, the KL of a partly kept frequency falls with slope h S (q - 1) / (h^2 S + sigma^2)",
            sp.diff((q - 1 - sp.log(q)) / 2, h),
            h * S * (q - 1) / (h**2 * S + sigma**2),
        ),
        "partial_kl_is_bounded": Identity(
            "That slope exceeds the bound's, -(1 - h) S / sigma^2, so from equality at h = 1 the bound stays above",
            h * S * (q - 1) / (h**2 * S + sigma**2) + (1 - h) * S / sigma**2,
            (1 - h)
            * S
            * (h**2 * S**2 + (1 - h) * S * sigma**2 + sigma**4)
            / (sigma**2 * (S + sigma**2) * (h**2 * S + sigma**2)),
        ),
    }


def _field() -> dict[str, Identity]:
    kept = (1 - eps) ** 2
    y = sp.Symbol("y", positive=True)
    c_l, f_s = sp.symbols("c_L f_s", positive=True)
    c_ratio = sp.Symbol("c_R", positive=True)
    low = c_ratio / (symbolic.amplitude * (2 * symbolic.critical_scale()) ** symbolic.exponent)
    u, c = sp.symbols("u c", positive=True)
    return {
        "realism_threshold": Identity(
            "R(c_R) = eps for c_R = 1 / (1 - sqrt(eps))^2 - 1, with y = 1 - sqrt(eps)",
            (1 - 1 / sp.sqrt(1 + r)).subs(r, y**-2 - 1) ** 2,
            (1 - y) ** 2,
        ),
        "signature_threshold": Identity(
            "L(c_L) = eps, squared", (kept / (1 - kept)) / (1 + kept / (1 - kept)), (1 - eps) ** 2
        ),
        "critical_scale": Identity(
            "At the critical scale snr(t_low) = snr(t_high)",
            low,
            c_l / (symbolic.amplitude * f_s**-symbolic.exponent),
        ),
        "weight_at_exponent_2_kept": Identity(
            "For a = 2 the integral over the surviving band is 2 L(c)",
            sp.diff(-2 * (1 - sp.sqrt(u / (1 + u))), u),
            u ** sp.Rational(-1, 2) * (1 + u) ** sp.Rational(-3, 2),
        ),
        "weight_at_exponent_2_missing": Identity(
            "For a = 2 the integral over the missing band is R(c)",
            sp.diff((1 - 1 / sp.sqrt(1 + c)) ** 2, c),
            (1 + c) ** sp.Rational(-3, 2) - (1 + c) ** -2,
        ),
    }


IDENTITIES: dict[str, Identity] = {**_flow(), **_sampling(), **_information(), **_field()}
"""All identities by name."""
