"""Figures of the theory explorer: the field on one schedule, the optimum on all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from diffsr_toolkit.plots import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION, plain_numbers, plot_field, tidy
from theory.prf import PRF
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

FAMILY_LABELS = {
    "linear": "linear",
    "scaled_linear": "scaled linear",
    "cosine": "cosine",
    "flow_matching": "flow matching",
    "karras": "Karras (EDM)",
}
"""Schedule families, `theory.symbolic.FAMILIES`, for people."""

_LOOKS = dict(
    zip(
        FAMILY_LABELS,
        ((BLUE, "-"), (GREEN, "--"), (VERMILION, "-."), (GREY, ":"), (ORANGE, (0, (5, 1.5, 1, 1.5)))),
        strict=True,
    )
)
_SCALES = np.geomspace(1, 16, 120)


def schedules() -> dict[str, NoiseSchedule]:
    """Every family of `FAMILY_LABELS` with its usual values."""
    return {family: getattr(NoiseSchedule, family)() for family in FAMILY_LABELS}


def optimum_over_scales(schedule: NoiseSchedule, law: PowerLaw, c: float = 1.0) -> np.ndarray:
    """``t*(s) / T`` at 120 scales from 1 to 16, clipped to the schedule."""
    first, last = schedule.snr(np.array([schedule.t_max, schedule.t_min]))
    snr = np.clip(c / law(0.5 / _SCALES), first, last)
    return schedule.t_of_snr(snr) / schedule.num_train_timesteps


def plot_optima_over_scales(
    ax: Axes,
    law: PowerLaw,
    scale: float,
    chosen: str,
    known: Mapping[str, NoiseSchedule],
    c: float = 1.0,
) -> None:
    """The optimum as a share of each schedule's timesteps, over the scale; the chosen schedule in bold.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    law : PowerLaw
    scale : float
        Marked by a line.
    chosen : str
        A key of `known`.
    known : mapping of str to NoiseSchedule
    c : float
        Constant of the optimum.
    """
    for family, schedule in known.items():
        colour, style = _LOOKS[family]
        share = optimum_over_scales(schedule, law, c)
        width = 3.0 if family == chosen else 1.5
        ax.plot(_SCALES, share, color=colour, linestyle=style, linewidth=width, label=FAMILY_LABELS[family])
    ax.axvline(scale, color=BLACK, linewidth=1, linestyle=":")
    ax.set(xscale="log", xlim=(1, 16), ylim=(0, 1), xlabel="scale", ylabel="t* / T")
    ax.set_xticks([1, 1.5, 2, 3, 4, 6, 8, 12, 16])
    plain_numbers(ax.xaxis)
    ax.xaxis.set_minor_locator(NullLocator())
    tidy(ax)
    ax.legend(fontsize="small", loc="upper left", frameon=False)


def draw_theory(
    figure: Figure, law: PowerLaw, scale: float, chosen: str, known: Mapping[str, NoiseSchedule]
) -> None:
    """Left the field with R and L on the chosen schedule, right the optimum on every schedule.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Cleared first.
    law, scale, chosen, known
        As for `plot_optima_over_scales`.
    """
    figure.clear()
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    # Fixed margins: laying out would cost more than the drawing, and jump while dragging.
    figure.subplots_adjust(left=0.065, right=0.985, bottom=0.125, top=0.88, wspace=0.34)
    prf = PRF(known[chosen], law)
    plot_field(left, known[chosen], prf, prf.predict(scale))
    left.set_title(f"{FAMILY_LABELS[chosen]}, scale {scale:.3g}", fontsize="medium")
    plot_optima_over_scales(right, law, scale, chosen, known)
    right.set_title("optimum on every schedule", fontsize="medium")
