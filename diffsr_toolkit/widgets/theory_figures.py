"""Figures of the theory's notebook: the field on one schedule, the optimum on all, the solvable case and its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.plots import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION, plot_field
from theory.prf import PRF
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

if TYPE_CHECKING:
    import pandas as pd

LABELS = {
    "linear": "linear",
    "scaled_linear": "scaled linear",
    "cosine": "cosine",
    "flow_matching": "flow matching",
    "karras": "Karras (EDM)",
}
"""Schedule families, `theory.symbolic.FAMILIES`, for people."""

_LOOKS = dict(
    zip(
        LABELS,
        ((BLUE, "-"), (GREEN, "--"), (VERMILION, "-."), (GREY, ":"), (ORANGE, (0, (5, 1.5, 1, 1.5)))),
        strict=True,
    )
)
_SCALES = np.geomspace(1, 16, 120)


def schedules() -> dict[str, NoiseSchedule]:
    """Every family of `LABELS` with its usual values."""
    return {family: getattr(NoiseSchedule, family)() for family in LABELS}


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
        ax.plot(_SCALES, share, color=colour, linestyle=style, linewidth=width, label=LABELS[family])
    ax.axvline(scale, color=BLACK, linewidth=1, linestyle=":")
    ax.set(xscale="log", xlim=(1, 16), ylim=(0, 1), xlabel="scale", ylabel="t* / T")
    ax.set_xticks([1, 1.5, 2, 3, 4, 6, 8, 12, 16])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(True, color="0.9", linewidth=0.8)
    ax.spines[["top", "right"]].set_visible(False)
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
    left.set_title(f"{LABELS[chosen]}, scale {scale:.3g}", fontsize="medium")
    plot_optima_over_scales(right, law, scale, chosen, known)
    right.set_title("optimum on every schedule", fontsize="medium")


def plot_oracle(table: pd.DataFrame) -> Figure:
    """How far the sampler, run on Gaussian fields, is from what the theory says exactly.

    Parameters
    ----------
    table : pandas.DataFrame
        What `diffsr_toolkit.gaussian_oracle.compare` returns.

    Returns
    -------
    matplotlib.figure.Figure
        Relative difference in per cent with two standard errors, of every quantity and case.

    Raises
    ------
    ToolkitError
        If the table has no row.
    """
    if table.empty:
        raise ToolkitError("the table is empty: give gaussian_oracle.compare at least one case")
    names = list(dict.fromkeys(table["quantity"]))
    cases = table.groupby(["operator", "lr_shape", "steps", "eta", "blur_sigma", "noise_std"], sort=False)
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    ax = figure.subplots()
    looks = list(_LOOKS.values())
    markers = "osD^v"
    for index, ((operator, lr_shape, steps, eta, blur, noise), rows) in enumerate(cases):
        label = f"{operator} to {lr_shape}, {steps} steps, eta {eta:g}"
        label += (f", blur {blur:g}" if blur else "") + (f", LR noise {noise:g}" if noise else "")
        position = [names.index(name) + 0.12 * (index - (len(cases) - 1) / 2) for name in rows["quantity"]]
        error = 200 * rows["standard_error"] / rows["predicted"].abs()
        ax.errorbar(
            position, 100 * rows["relative_difference"], error, fmt=markers[index % 5],
            color=looks[index % 5][0], markersize=4, elinewidth=1.2,
            label=label,
        )  # fmt: skip
    ax.axhspan(-1, 1, color="0.93", linewidth=0, zorder=0)
    ax.axhline(0, color=BLACK, linewidth=1)
    ax.set_xticks(range(len(names)), names, rotation=35, ha="right", fontsize="small")
    ax.set_ylabel("measured over predicted - 1 [%]")
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(fontsize="small", frameon=False, ncols=2, loc="outside upper center")
    return figure


def plot_steps(table: pd.DataFrame) -> Figure:
    """What few steps cost in the solvable case: the lost band's power and the PSNR over the number of steps.

    Parameters
    ----------
    table : pandas.DataFrame
        What `diffsr_toolkit.gaussian_steps.steps_table` returns; the limit is drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    panels = figure.subplots(1, 2)
    columns = ("regenerated_share", "psnr")
    titles = ("share of the missing band's power that is made", "PSNR [dB]")
    for ax, column, title in zip(panels, columns, titles, strict=True):
        for (eta, spacing), rows in table.groupby(["eta", "spacing"]):
            colour = BLUE if eta == 0 else VERMILION
            if spacing == "limit":
                ax.axhline(rows[column].iloc[0], color=colour, linewidth=1, linestyle=":")
                continue
            style, marker = ("-", "o") if spacing == "log_snr" else ("--", "s")
            label = f"{'DDIM' if eta == 0 else 'DDPM'}, uniform in {str(spacing).replace('_', '-')}"
            ax.plot(
                rows["steps"], rows[column], style, marker=marker, color=colour, markersize=4, label=label
            )
        ax.set(xscale="log", xlabel="network evaluations")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_title(title, fontsize="medium")
        ax.grid(True, color="0.9", linewidth=0.8)
        ax.spines[["top", "right"]].set_visible(False)
    panels[0].legend(fontsize="small", frameon=False)
    return figure
