"""Figures of the solvable case: the sampler beside the exact theory, and what few steps cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION, plain_numbers, tidy

if TYPE_CHECKING:
    import pandas as pd

_LOOKS = ((BLUE, "o"), (GREEN, "s"), (VERMILION, "D"), (GREY, "^"), (ORANGE, "v"))


def plot_oracle(table: pd.DataFrame) -> Figure:
    """How far the sampler, run on Gaussian fields, is from what the theory says exactly.

    Parameters
    ----------
    table : pandas.DataFrame
        What `diffsr_toolkit.experiments.oracle.compare` returns.

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
        raise ToolkitError("the table is empty: give experiments.oracle.compare at least one case")
    names = list(dict.fromkeys(table["quantity"]))
    cases = table.groupby(["operator", "lr_shape", "steps", "eta", "blur_sigma", "noise_std"], sort=False)
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    ax = figure.subplots()
    for index, ((operator, lr_shape, steps, eta, blur, noise), rows) in enumerate(cases):
        label = f"{operator} to {lr_shape}, {steps} steps, eta {eta:g}"
        label += (f", blur {blur:g}" if blur else "") + (f", LR noise {noise:g}" if noise else "")
        position = [names.index(name) + 0.12 * (index - (len(cases) - 1) / 2) for name in rows["quantity"]]
        error = 200 * rows["standard_error"] / rows["predicted"].abs()
        colour, marker = _LOOKS[index % len(_LOOKS)]
        ax.errorbar(
            position, 100 * rows["relative_difference"], error, fmt=marker, color=colour, markersize=4,
            elinewidth=1.2, label=label,
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
        What `diffsr_toolkit.experiments.oracle.steps_table` returns; the limit is drawn as a line.

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
        plain_numbers(ax.xaxis)
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_title(title, fontsize="medium")
        tidy(ax)
    panels[0].legend(fontsize="small", frameon=False)
    return figure
