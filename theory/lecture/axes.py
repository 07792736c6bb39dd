"""Chapter on scales that differ between the axes."""

from __future__ import annotations

import sympy as sp

from theory import symbolic as sy
from theory.lecture.chapter import Chapter, Result
from theory.symbolic import Identity

_ASYMMETRIC = """
Scales that differ between the axes, $(s_y, s_x)$, have two cut-offs. The closed form takes the noise
variance between those that would suit each: the mean of $S(f_c)$ over the axes, which is the $S(f_c)$ of
one effective scale.
"""


def asymmetric() -> Chapter:
    """Two scales, one effective scale."""
    height, width = sp.symbols("s_y s_x", positive=True)
    a = sy.exponent
    mean = sy.amplitude * ((2 * height) ** a + (2 * width) ** a) / 2
    effective = ((height**a + width**a) / 2) ** (1 / a)
    log_snr = sp.log(sy.constant / mean)
    # Logarithms before the limit: sympy finds it at once.
    log_effective = sp.log((height**a + width**a) / 2) / a
    return Chapter(
        "Asymmetric scales",
        _ASYMMETRIC,
        {
            "effective_scale": Identity(
                "One scale has the mean power of the two cut-offs: the power mean of the scales with "
                "exponent $a$",
                sy.amplitude * (2 * effective) ** a,
                mean,
            ),
            "effective_scale_equal": Identity(
                "Equal scales are their own mean", sp.Subs(effective, height, width), width
            ),
            "effective_scale_2": Identity(
                "For $a = 2$ it is the root mean square",
                sp.Subs(effective, a, 2),
                sp.sqrt((height**2 + width**2) / 2),
            ),
            "effective_scale_flat": Identity(
                "and for a flat spectrum, in the limit, the geometric mean (here its logarithm)",
                sp.Limit(log_effective, a, 0),
                (sp.log(height) + sp.log(width)) / 2,
            ),
            "slope_in_one_scale": Identity(
                "The larger scale matters more: each counts by its share of the power",
                height * sp.Derivative(log_snr, height),
                -a * height**a / (height**a + width**a),
            ),
            "slopes_add_up": Identity(
                "Together they have the slope of one scale",
                height * sp.Derivative(log_snr, height) + width * sp.Derivative(log_snr, width),
                -a,
            ),
        },
        {
            "effective_scale": Result("Effective scale", "s_{eff}", effective),
            "snr_opt_pair": Result("Optimum of a pair", r"\mathrm{snr}(t^*)", sy.constant / mean),
        },
    )
