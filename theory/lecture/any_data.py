"""Chapter on the bounds that need no Gaussian image."""

from __future__ import annotations

import sympy as sp

from theory import symbolic as sy
from theory.lecture.chapter import Chapter, Result
from theory.symbolic import Identity, S, h, r, sigma, sigma_next

_TEXT = r"""
Photographs are not Gaussian, but some statements hold for every law of images. Too little noise: the
injected state $z$ and the state $x_t$ of an original differ in law by at most $\mathrm{snr}\, E\|r\|^2 / 2$
nats, where $r$ is what the enlargement misses, and no reverse process can add to that. Too much noise:
whatever is restored from $x_t$ has at least the minimum mean squared error, which is at most the Wiener
filter's. Each bound rests on equations below whose right side shows its sign. SDEdit's bound (Meng et al.
2022, proposition 1), beside them in `theory.bounds`, is cited, not proved.
"""


def bounds() -> Chapter:
    """KL, data processing, total variation, Wasserstein, mmse and information."""
    energy = sp.Symbol("E_r", positive=True)
    kl = sy.snr * energy / 2
    return Chapter(
        "Bounds for any data",
        _TEXT,
        {**_mismatch(), **_distances(), **_estimation()},
        {
            "kl_bound": Result(r"Bound on the mismatch, in nats, with $E_r = E\|r\|^2$", "KL", kl),
            "tv_coupling_bound": Result(
                "Bound on the total variation", "TV", sp.erf(sp.sqrt(sy.snr * energy / 8))
            ),
            "tv_bound": Result(
                "A looser one, by way of the KL",
                "TV",
                sp.Min(sp.sqrt(kl / 2), sp.sqrt(1 - sp.exp(-kl))),
            ),
            "w2_bound": Result("Bound on the Wasserstein distance", "W_2", sp.sqrt(energy)),
            "mmse_bound": Result("Bound on the mmse of one mode", "mmse", S / (1 + sy.snr * S)),
            "information_bound": Result(
                "Bound on what $x_t$ tells of one mode, in nats", "I", sp.log(1 + sy.snr * S) / 2
            ),
        },
    )


def _two_point(w: sp.Expr, v: sp.Expr) -> sp.Expr:
    """KL between two biased coins."""
    return w * sp.log(w / v) + (1 - w) * sp.log((1 - w) / (1 - v))


def _mismatch() -> dict[str, Identity]:
    x, m = sp.symbols("x m", real=True)
    p1, p2, q1, q2 = sp.symbols("p_1 p_2 q_1 q_2", positive=True)
    p, q = p1 + p2, q1 + q2
    w, v = sp.symbols("w v", positive=True)
    density = sp.exp(-((x - m) ** 2) / (2 * sigma**2)) / sp.sqrt(2 * sp.pi * sigma**2)
    ratio = (h**2 * S + sigma**2) / (S + sigma**2)
    gap = (r - (1 / (1 + r) - 1 + sp.log(1 + r))) / 2
    delta = sp.Symbol("Delta", positive=True)
    moved = delta * (1 - sigma_next**2 / sigma**2)
    fresh = sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2
    return {
        "kl_of_a_shift": Identity(
            "Given the image, both states are Gaussians of one variance, apart by the residual $m$: their "
            "KL is "
            r"$m^2 / (2 \sigma^2)$",
            sp.Integral(density * (x**2 - (x - m) ** 2) / (2 * sigma**2), (x, -sp.oo, sp.oo)),
            m**2 / (2 * sigma**2),
        ),
        "chain_rule": Identity(
            "Merging two outcomes takes away the KL within them: the gain is that of a coin. Repeated, this"
            " is data "
            "processing (no channel adds KL) and joint convexity (forgetting which image it was adds none)",
            p1 * sp.log(p1 / q1) + p2 * sp.log(p2 / q2) - p * sp.log(p / q),
            p * (p1 / p * sp.log(p1 * q / (p * q1)) + p2 / p * sp.log(p2 * q / (p * q2))),
        ),
        "coin_kl_is_convex": Identity(
            "A coin's KL is not negative: it is 0 with slope 0 at $w = v$, and convex",
            sp.Derivative(_two_point(w, v), (w, 2)),
            1 / (w * (1 - w)),
        ),
        "lost_kl_starts_tight": Identity(
            "How much is given away, for a Gaussian frequency that was lost: nothing at SNR 0",
            sp.Limit(gap, r, 0),
            sp.Integer(0),
        ),
        "lost_kl_is_bounded": Identity(
            "and ever more with the SNR",
            sp.Derivative(gap, r),
            (r**2 + r + 1) / (2 * (1 + r) ** 2),
        ),
        "partial_kl_slope": Identity(
            "For a frequency kept by $h$, the KL falls with $h$",
            sp.Derivative((ratio - 1 - sp.log(ratio)) / 2, h),
            h * S * (ratio - 1) / (h**2 * S + sigma**2),
        ),
        "partial_kl_is_bounded": Identity(
            r"less steeply than the bound, $-(1 - h) S / \sigma^2$, so that from equality at $h = 1$ the "
            "bound stays above",
            h * S * (ratio - 1) / (h**2 * S + sigma**2) + (1 - h) * S / sigma**2,
            (1 - h)
            * S
            * (h**2 * S**2 + (1 - h) * S * sigma**2 + sigma**4)
            / (sigma**2 * (S + sigma**2) * (h**2 * S + sigma**2)),
        ),
        "network_error": Identity(
            r"A real network's error adds to it: an estimate wrong by $\Delta$ shifts an ancestral step, "
            "which costs "
            r"$\Delta^2 / 2$ times the SNR gained (Girsanov)",
            moved**2 / (2 * fresh),
            delta**2 / 2 * (sigma_next**-2 - sigma**-2),
        ),
    }


def _distances() -> dict[str, Identity]:
    w, v = sp.symbols("w v", positive=True)
    alpha, beta = sp.symbols("alpha beta", real=True)
    affinity = sp.cos(alpha) * sp.cos(beta) + sp.sin(alpha) * sp.sin(beta)
    x = sp.Symbol("x", real=True)
    m = sp.Symbol("m", positive=True)
    bell = sp.exp(-(x**2) / (2 * sigma**2)) / sp.sqrt(2 * sp.pi * sigma**2)
    shift = sp.sqrt(sy.snr * r / 8)
    return {
        "total_variation_of_a_shift": Identity(
            r"The shift's total variation: the mass of one Gaussian within half the shift $m$ of its centre",
            sp.Integral(bell, (x, -m / 2, m / 2)),
            sp.erf(m / (2 * sp.sqrt(2) * sigma)),
        ),
        "total_variation_is_concave": Identity(
            r"As a function of the energy $r = m^2$ it is concave, so the mean energy over images bounds the mean",
            sp.Derivative(sp.erf(shift), (r, 2)),
            -sp.exp(-sy.snr * r / 8) * shift / sp.sqrt(sp.pi) * (sy.snr * r / 4 + 1) / (2 * r**2),
        ),
        "pinsker": Identity(
            r"Pinsker, $KL \ge 2\, TV^2$: for coins the difference vanishes at $v = w$ and only grows from "
            "there, as its "
            "slope has the sign of $v - w$",
            sp.Derivative(_two_point(w, v) - 2 * (w - v) ** 2, v),
            (v - w) * (1 - 2 * v) ** 2 / (v * (1 - v)),
        ),
        "bretagnolle_huber": Identity(
            r"Bretagnolle-Huber: total variation and affinity, of coins $\cos^2\alpha$ and $\cos^2\beta$, "
            "have squares whose "
            "sum is at most 1",
            1 - (sp.cos(alpha) ** 2 - sp.cos(beta) ** 2) ** 2 - affinity**2,
            (sp.sin(alpha - beta) * sp.cos(alpha + beta)) ** 2,
        ),
        "wasserstein": Identity(
            "Coupling both states by the same image and noise costs $(1 - h)^2 S$; the best coupling of "
            "Gaussians costs less, "
            "because",
            (S + sigma**2) * (h**2 * S + sigma**2) - (h * S + sigma**2) ** 2,
            (1 - h) ** 2 * S * sigma**2,
        ),
    }


def _estimation() -> dict[str, Identity]:
    p, x1, x2 = sp.symbols("p x_1 x_2", positive=True)
    noise, snr = sp.Symbol("n", positive=True), sy.snr
    injected = S * (1 + snr * noise) / (1 + snr * (h**2 * S + noise))
    return {
        "sample_costs_twice": Identity(
            "Two independent draws of a law differ by twice its variance (here of two values, one with "
            "probability $p$): a posterior sample errs by twice the mmse",
            2 * p * (1 - p) * (x1 - x2) ** 2,
            2 * ((p * x1**2 + (1 - p) * x2**2) - (p * x1 + (1 - p) * x2) ** 2),
        ),
        "linear_error": Identity(
            "The Wiener filter's error bounds the mmse of every law with that spectrum",
            (1 - S / (S + 1 / snr)) ** 2 * S + (S / (S + 1 / snr)) ** 2 / snr,
            S / (1 + snr * S),
        ),
        "i_mmse": Identity(
            "The information in the state grows with half the mmse (Guo, Shamai and Verdu 2005; here for a "
            "Gaussian)",
            sp.Derivative(sp.log(1 + snr * S) / 2, snr),
            S / (1 + snr * S) / 2,
        ),
        "injected_error": Identity(
            "From the injected state, which keeps $h$ and holds foreign power $n$, the Wiener filter errs by",
            S - (h * S) ** 2 / (h**2 * S + noise + 1 / snr),
            injected,
        ),
        "injected_is_worse": Identity(
            "never less than from the original's state",
            injected - S / (1 + snr * S),
            snr * S**2 * (1 - h**2 + snr * noise) / ((1 + snr * S) * (1 + snr * (h**2 * S + noise))),
        ),
    }
