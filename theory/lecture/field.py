"""Chapters on the two losses, their balance, and the field between them."""

from __future__ import annotations

import sympy as sp

from theory import symbolic as sy
from theory.lecture.chapter import Chapter, Result
from theory.symbolic import Identity, r

deficit = (1 - 1 / sp.sqrt(1 + r)) ** 2
loss = 1 - sp.sqrt(r / (1 + r))

_LOSSES = """
Two numbers between 0 and 1 hold all that matters. The realism deficit $R$ is the Frechet deficit of a
missing frequency: 1 with no noise, when the blur is kept, and 0 with much, when all detail is made anew.
The signature loss $L$ is how much of a surviving frequency's correlation with the original is gone: 0 with
no noise, 1 with much. The low-level fidelity is $1 - R$, the high-level signature is $1 - L$.
"""

_WEIGHT = r"""
A metric weighs the two losses. Summed over all frequencies of a picture with $S = A f^{-a}$, cut at $f_c$,
the best noise level depends on the scale through $S(f_c)$ alone: $\mathrm{snr}^* = c / S(f_c)$. The
constant $c$ belongs to the metric's weight $w$ and to the exponent $a$, and to nothing else.
"""

_FIELD = r"""
On paper the field takes $R$ at the first missing frequency, $f_c = 1 / (2 s)$, and $L$ at a fixed signature
frequency $f_s$, up to which the layout of a picture lives. Demanding $R \le \epsilon_R$ and $L \le
\epsilon_L$ gives the most and the least signal that the injected state may have. The first falls with the
scale, the second does not, so the field closes.
"""


def losses() -> Chapter:
    """Realism deficit and signature loss."""
    y = sp.Symbol("y", positive=True)
    kept = (1 - sy.eps_signature) ** 2
    return Chapter(
        "Realism deficit and signature loss",
        _LOSSES,
        {
            "duality": Identity(
                "The two are one function: the deficit at $r$ is the square of the loss at $1 / r$",
                deficit,
                loss.subs(r, 1 / r) ** 2,
            ),
            "deficit_grows": Identity(
                "The deficit grows with the signal",
                sp.Derivative(deficit, r),
                (1 - 1 / sp.sqrt(1 + r)) * (1 + r) ** sp.Rational(-3, 2),
            ),
            "loss_falls": Identity(
                "and the loss falls",
                sp.Derivative(loss, r),
                -(r ** sp.Rational(-1, 2)) * (1 + r) ** sp.Rational(-3, 2) / 2,
            ),
            "deficit_at_much_noise": Identity(
                "Much noise leaves a deficit of $r^2 / 4$", sp.Limit(deficit / r**2, r, 0), sp.Rational(1, 4)
            ),
            "deficit_at_no_noise": Identity("no noise all of it", sp.Limit(deficit, r, sp.oo), sp.Integer(1)),
            "loss_at_no_noise": Identity(
                "Little noise loses $1 / (2 r)$ of the signature",
                sp.Limit(r * loss, r, sp.oo),
                sp.Rational(1, 2),
            ),
            "loss_at_much_noise": Identity("much noise all of it", sp.Limit(loss, r, 0), sp.Integer(1)),
            "realism_threshold": Identity(
                r"The deficit is $\epsilon_R = (1 - y)^2$ at $r = c_R = y^{-2} - 1$, where $y = 1 - "
                r"\sqrt{\epsilon_R}$",
                sp.Subs(deficit, r, y**-2 - 1),
                (1 - y) ** 2,
            ),
            "signature_threshold": Identity(
                r"The loss is $\epsilon_L$ at $r = c_L$; squared, with the correlation $1 - \epsilon_L$",
                (kept / (1 - kept)) / (1 + kept / (1 - kept)),
                (1 - sy.eps_signature) ** 2,
            ),
        },
        {
            "realism_deficit": Result("Realism deficit of a missing frequency", "R(r)", deficit),
            "signature_loss": Result("Signature loss of a surviving frequency", "L(r)", loss),
            "c_realism": Result(r"Where the deficit is $\epsilon_R$", "c_R", sy.realism_threshold()),
            "c_signature": Result(r"Where the loss is $\epsilon_L$", "c_L", sy.signature_threshold()),
        },
    )


def weight() -> Chapter:
    """The optimum of a weighted sum, and its constant."""
    u, p = sp.symbols("u p", positive=True)
    frequency = (sy.snr * sy.amplitude / u) ** (1 / sy.exponent)
    missing, surviving = (x.subs(r, u) for x in (deficit, loss))
    half = sp.Rational(1, 2)
    kept = u ** (half - p) * (1 + u) ** (-3 * half)
    made = u ** (1 - p) * ((1 + u) ** (-3 * half) - (1 + u) ** -2)
    c, a = sy.constant, sy.exponent
    return Chapter(
        "The weight and the constant",
        _WEIGHT,
        {
            "scale_free": Identity(
                r"With $u = \mathrm{snr}\, S_f$ for the frequency, a ring's power $S f\, df$ is a power of "
                "$u$ times a power of the "
                "SNR: no other length is in it",
                u / sy.snr * frequency * sp.Derivative(-frequency, u),
                (sy.snr * sy.amplitude) ** (2 / a) / (a * sy.snr) * u ** (-2 / a),
            ),
            "parts_of_loss": Identity(
                "Integration by parts, with $p = 2 / a$, of the surviving band's loss, $u > c$",
                sp.Derivative(u ** (1 - p) * surviving, u),
                (1 - p) * u**-p * surviving - kept / 2,
            ),
            "parts_of_deficit": Identity(
                "and of the missing band's deficit, $u < c$",
                sp.Derivative(u ** (1 - p) * missing, u),
                (1 - p) * u**-p * missing + made,
            ),
            "missing_integral_converges": Identity(
                "Towards $u = 0$ the missing band's integrand is $u^{2 - p} / 2$: its integral exists for "
                "$a > 2/3$",
                sp.Limit(sp.simplify(made / u ** (2 - p)), u, 0),
                half,
            ),
            "weight_at_exponent_2_kept": Identity(
                "For $a = 2$ the surviving integral is elementary, $2 L(c)$",
                sp.Derivative(-2 * surviving, u),
                kept.subs(p, 1),
            ),
            "weight_at_exponent_2_missing": Identity(
                "and the missing one is $R(c)$, so $w = 2 L(c) / R(c)$",
                sp.Derivative(missing, u),
                made.subs(p, 1),
            ),
            "weight_of_one": Identity(
                r"For $c = 1$ and $a = 2$ the weight is $4 + 2 \sqrt{2}$: about seven",
                (2 * loss / deficit).subs(r, 1),
                4 + 2 * sp.sqrt(2),
            ),
        },
        {
            "weight": Result(
                "Weight for which $c / S(f_c)$ is the optimum",
                "w(c, a)",
                sp.Integral(kept.subs(p, 2 / a), (u, c, sp.oo)) / sp.Integral(made.subs(p, 2 / a), (u, 0, c)),
            ),
            "weight_at_exponent_2": Result(
                "The same for $a = 2$", "w(c, 2)", (2 * loss / deficit).subs(r, c)
            ),
        },
    )


def field() -> Chapter:
    """The field's ends and where they meet."""
    f = sp.Symbol("f", positive=True)
    low, opt, high = sy.snr_low(), sy.snr_optimal(), sy.snr_high()
    return Chapter(
        "The field and its critical scale",
        _FIELD,
        {
            "cutoff_power": Identity(
                "Power at the first missing frequency",
                sp.Subs(sy.amplitude * f**-sy.exponent, f, 1 / (2 * sy.scale)),
                sy.cutoff_psd(),
            ),
            "order_of_optimum": Identity(
                r"Whether the optimum injects enough for full realism, $c \le c_R$, does not depend on the "
                "scale",
                sp.log(low) - sp.log(opt),
                sp.log(sy.c_realism / sy.constant),
            ),
            "critical_scale": Identity(
                "At the critical scale $t_{low} = t_{high}$",
                sp.Subs(low, sy.scale, sy.critical_scale()),
                high,
            ),
            "field_width": Identity(
                "The field's width, in log-SNR, is $a$ times the distance to the critical scale, in "
                "log-scale",
                sp.log(low / high),
                sy.exponent * sp.log(sy.critical_scale() / sy.scale),
            ),
        },
        {
            "snr_low": Result("Most signal: the missing band is drowned", r"\mathrm{snr}(t_{low})", low),
            "snr_opt": Result("The optimum", r"\mathrm{snr}(t^*)", opt),
            "snr_high": Result("Least signal: the signature is kept", r"\mathrm{snr}(t_{high})", high),
            "critical_scale": Result(
                "Largest scale with an open field", r"s_{\max}", sy.critical_scale_bounded()
            ),
        },
    )
