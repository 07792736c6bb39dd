"""Chapters on the Gaussian image: its denoiser, the probability flow, and sampling from the posterior."""

from __future__ import annotations

import sympy as sp

from theory.lecture.chapter import Chapter
from theory.symbolic import Identity, S, eta, h, r, sigma, sigma_next

_DENOISER = """
Take an image whose frequencies are independent Gaussians of variance $S$, and look at one of them. Its best
denoiser is the Wiener filter, and the deterministic reverse process (DDIM with infinitely many steps, the
probability flow) solves a linear equation whose solution fits in a line. Nothing here is approximate.
"""

_SURVIVES = r"""
The injected state is the enlarged image plus noise. Where the enlarged image kept a frequency ($h = 1$) the
flow gives it back with some error; where it lost it ($h = 0$) the flow sees noise alone and makes detail of
it. With $r = \mathrm{snr}\, S$ both cases, and all between, have short formulas in $r$ and $h$.
"""

_POSTERIOR = r"""
With fresh noise in every step ($\eta = 1$) the reverse process samples the posterior instead. It forgets
more of what it was given, invents more of what was lost, and its mean squared error is twice the smallest
possible. Averaging restorations takes that factor back.
"""

_keep = S / (S + sigma**2)


def gaussian_denoiser() -> Chapter:
    """Wiener filter, Tweedie's formula, the flow's gain."""
    k, x, m = sp.symbols("k x m", positive=True)
    gain = sp.sqrt(S / (S + sigma**2))
    two_points = sp.log(sp.exp(-((x - m) ** 2) / (2 * sigma**2)) + sp.exp(-((x + m) ** 2) / (2 * sigma**2)))
    return Chapter(
        "The Gaussian denoiser and the flow",
        _DENOISER,
        {
            "wiener": Identity(
                "The error of a linear denoiser $k$ is a square plus the rest; the Wiener gain $S / (S + "
                r"\sigma^2)$ is best",
                (1 - k) ** 2 * S + k**2 * sigma**2,
                S * sigma**2 / (S + sigma**2) + (S + sigma**2) * (k - _keep) ** 2,
            ),
            "tweedie_gaussian": Identity(
                r"Tweedie's formula, $D(x) = x + \sigma^2 \nabla\log p$, gives the same for a Gaussian",
                x + sigma**2 * sp.Derivative(-(x**2) / (2 * (S + sigma**2)), x),
                _keep * x,
            ),
            "tweedie_two_points": Identity(
                "For an image that is either $m$ or $-m$ it gives a soft decision, which no linear filter "
                "can make",
                x + sigma**2 * sp.Derivative(two_points, x),
                m * sp.tanh(m * x / sigma**2),
            ),
            "step_is_flow": Identity(
                r"A DDIM step multiplies by $D/x + (1 - D/x)\, \sigma' / \sigma$; a small one is the flow's "
                "equation "
                r"$dx/d\sigma = (x - D) / \sigma$",
                sp.Derivative(_keep + sigma_next / sigma * (1 - _keep), sigma_next),
                (1 - _keep) / sigma,
            ),
            "flow_gain_solves_ode": Identity(
                r"Its solution grows as $\sqrt{S + \sigma^2}$, so from $\sigma$ down to 0 the gain is "
                r"$\sqrt{S / (S + \sigma^2)}$",
                sp.Derivative(1 / gain, sigma),
                (1 - S / (S + sigma**2)) / gain / sigma,
            ),
        },
    )


def survival() -> Chapter:
    """What the flow makes of kept, lost and partly kept frequencies."""
    level = S / r
    gain = sp.sqrt(S / (S + level))
    power = gain**2 * level
    return Chapter(
        "What survives and what is regenerated",
        _SURVIVES,
        {
            "survived_error": Identity(
                "Squared error where everything survived",
                (1 - gain) ** 2 * S + gain**2 * level,
                2 * S * (1 - sp.sqrt(r / (1 + r))),
            ),
            "survived_power": Identity(
                "There the output has the original's power: no Frechet deficit",
                r / (1 + r) * (S + level),
                S,
            ),
            "survived_correlation": Identity(
                r"and correlates with the original by $\sqrt{r / (1 + r)}$",
                gain * S / sp.sqrt(S * gain**2 * (S + level)),
                sp.sqrt(r / (1 + r)),
            ),
            "lost_power": Identity("Power of the detail made where all was lost", power, S / (1 + r)),
            "lost_error": Identity(
                "Its squared error: what was there plus what was made", S + power, S + S / (1 + r)
            ),
            "lost_deficit": Identity(
                "Its Frechet deficit (squared 2-Wasserstein distance) as a share of the power",
                (sp.sqrt(S) - sp.sqrt(power)) ** 2 / S,
                (1 - 1 / sp.sqrt(1 + r)) ** 2,
            ),
            "partial_power": Identity(
                r"A frequency kept by the factor $h$ misses the share $(1 - h^2)\, r / (1 + r)$ of its power",
                gain**2 * (h**2 * S + level),
                S * (1 - (1 - h**2) * r / (1 + r)),
            ),
        },
    )


def posterior() -> Chapter:
    """Ancestral steps, their limit, and means of several restorations."""
    bar, bar_next = 1 / (1 + sigma**2), 1 / (1 + sigma_next**2)
    fresh = eta**2 * sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2
    ddim = eta**2 * (1 - bar_next) / (1 - bar) * (1 - bar / bar_next)
    n = sp.Symbol("n", positive=True)
    level = S / r
    keep = r / (1 + r)
    flow = sp.sqrt(r / (1 + r))
    return Chapter(
        "Posterior sampling",
        _POSTERIOR,
        {
            "ddim_eta": Identity(
                r"DDIM's added variance (Song et al. 2021, eq. 16), divided by $\bar\alpha$ at the arrival, "
                r"is $\eta^2$ times "
                "the ancestral one",
                ddim / bar_next,
                fresh,
            ),
            "ddim_direction": Identity(
                "and its direction pointing to $x_t$ is what the arrival's noise level leaves",
                (1 - bar_next - ddim) / bar_next,
                sigma_next**2 - fresh,
            ),
            "ancestral_is_posterior": Identity(
                r"At $\eta = 1$ the fresh variance is that of $q(x' | x, x_0)$: precisions add",
                fresh.subs(eta, 1),
                1 / (1 / sigma_next**2 + 1 / (sigma**2 - sigma_next**2)),
            ),
            "posterior_error": Identity(
                "A posterior sample of a surviving frequency has twice the minimum mean squared error",
                (1 - _keep) ** 2 * S + _keep**2 * sigma**2 + (1 - _keep) * S,
                2 * S / (1 + S / sigma**2),
            ),
            "posterior_power": Identity(
                "and the original's power", _keep**2 * (S + sigma**2) + (1 - _keep) * S, S
            ),
            "posterior_lost_power": Identity(
                "Where all was lost it makes more detail than the flow",
                keep**2 * level + (1 - keep) * S,
                S / (1 + r) + S * r / (1 + r) ** 2,
            ),
            "posterior_correlation": Identity(
                "and where all survived it correlates less, by $r / (1 + r)$, the square of the flow's",
                keep * S / sp.sqrt(S * (keep**2 * (S + level) + (1 - keep) * S)),
                flow**2,
            ),
            "mean_of_samples": Identity(
                "The mean of $n$ posterior samples from one state has $1 + 1/n$ times the minimum",
                (1 - _keep) ** 2 * S + _keep**2 * sigma**2 + (1 - _keep) * S / n,
                (1 + 1 / n) * S * sigma**2 / (S + sigma**2),
            ),
            "antithetic_pair": Identity(
                "Two flows from noise of opposite sign cancel it altogether: all that is left is the flow's"
                " shrinking",
                ((flow * (1 + sp.sqrt(1 / r)) + flow * (1 - sp.sqrt(1 / r))) / 2 - 1) ** 2 * S,
                S * (1 - flow) ** 2,
            ),
        },
    )
