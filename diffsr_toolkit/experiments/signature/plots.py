"""Figures of the measured signature: what survives noise injection, over t and scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from diffsr_toolkit.columns import DIFFSR
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.plots import BLACK, GREY, ORANGE, tidy

if TYPE_CHECKING:
    import pandas as pd

_PANELS = {
    "retention": "class of the original kept\n(share of pictures)",
    "information_bits": "information on the class\n[bits]",
    "psnr_db": "PSNR [dB]\n(higher is better)",
    "frechet": "Frechet distance of features\n(lower is better)",
    "high_band_power": "power above the cut-off\n(share of the originals')",
}
_BANDS = {
    "retention": ("retention_low", "retention_high"),
    "information_bits": ("information_low", "information_high"),
}
_CHANCE = {"retention": 0.1, "information_bits": 0.0}
_MARKERS = "os^vDP"
_PREDICTIONS = {
    "t_closed_form": (ORANGE, "--", "predicted $t_{high}$, closed form"),
    "t_class_model": (BLACK, "-", "predicted, Gaussian classes"),
}


def plot_signature(
    frame: pd.DataFrame,
    collapse: pd.DataFrame,
    *,
    consistency: bool = False,
    eta: float = 0.0,
    loss: float = 0.5,
) -> Figure:
    """Retention, information, fidelity and realism over t, one line a scale.

    Parameters
    ----------
    frame, collapse : pandas.DataFrame
        What `signature_table` and `collapse_table` gave.
    consistency, eta
        Which setting is drawn; scale 1 is the noised original, restored.
    loss : float
        Whose predicted and measured timesteps are marked.

    Raises
    ------
    ToolkitError
        When the tables hold no such setting.
    """
    diffsr = frame[frame["method"] == DIFFSR]
    rows = diffsr[(diffsr["consistency"] == consistency) & (diffsr["eta"] == eta)]
    if rows.empty:
        raise ToolkitError(
            f"the table holds no setting consistency={consistency}, eta={eta}: measure it first"
        )
    chosen = collapse[
        (collapse["consistency"] == consistency)
        & (collapse["eta"] == eta)
        & (collapse["steps"] == rows["steps"].iloc[0])
        & np.isclose(collapse["loss"], loss)
    ]
    figure = Figure(figsize=(11.5, 6.6), layout="constrained")
    axes = figure.subplots(2, 3)
    scales = sorted(rows["scale"].unique())
    colours = dict(zip(scales, sns.color_palette("viridis", len(scales)), strict=True))
    for ax, (column, label) in zip(axes.flat, _PANELS.items(), strict=False):
        for marker, scale in zip(_MARKERS, scales, strict=False):
            _line(ax, rows[rows["scale"] == scale], column, colours[scale], marker, f"scale {scale:g}")
        if column in _CHANCE:
            ax.axhline(_CHANCE[column], color=GREY, linewidth=1.2, linestyle=":", label="chance")
            _prediction(ax, chosen, "retention" if column == "retention" else "information")
        ax.set(xlabel="injection timestep t", ylabel=label)
        tidy(ax)
    axes[0, 1].axvline(
        float(chosen["t_ceiling"].iloc[0]),
        color=GREY,
        linewidth=1.6,
        linestyle="-.",
        label="information bound",
    )
    # The undisturbed original would squeeze everything else.
    axes[0, 2].set_ylim(top=30)
    axes[1, 0].set(yscale="log", ylim=(5, None))
    _collapse(axes[1, 2], chosen, colours)
    kind = "with consistency" if consistency else "plain Diff-SR"
    figure.suptitle(f"Signature of Fashion-MNIST pictures, {kind}, eta = {eta:g}", fontsize=11)
    found = [ax.get_legend_handles_labels() for ax in axes.flat]
    legend = {
        label: handle for handles, labels in found for handle, label in zip(handles, labels, strict=True)
    }
    figure.legend(
        legend.values(), legend.keys(), loc="outside lower center", ncols=6, frameon=False, fontsize="small"
    )
    return figure


def _line(
    ax: Axes, rows: pd.DataFrame, column: str, colour: tuple[float, float, float], marker: str, label: str
) -> None:
    points = rows.sort_values("t").dropna(subset=[column])
    if points.empty:
        return
    ax.plot(
        points["t"], points[column], color=colour, marker=marker, markersize=4, linewidth=1.5, label=label
    )
    if column in _BANDS:
        low, high = _BANDS[column]
        ax.fill_between(points["t"], points[low], points[high], color=colour, alpha=0.12, linewidth=0)


def _prediction(ax: Axes, chosen: pd.DataFrame, quantity: str) -> None:
    found = chosen[chosen["quantity"] == quantity].iloc[0]
    for column, (colour, style, label) in _PREDICTIONS.items():
        ax.axvline(float(found[column]), color=colour, linewidth=1.8, linestyle=style, label=label)


def _collapse(ax: Axes, chosen: pd.DataFrame, colours: dict[float, tuple[float, float, float]]) -> None:
    """Measured collapse with its interval against scale, beside the predictions."""
    found = chosen[chosen["quantity"] == "retention"].sort_values("scale")
    for _, row in found.iterrows():
        if np.isfinite(row["t_measured"]):
            upper = min(row["t_measured_high"], 1000.0)
            ax.plot(
                [row["scale"]] * 2, [row["t_measured_low"], upper], color=colours[row["scale"]], linewidth=2
            )
            ax.plot(row["scale"], row["t_measured"], "*", color=colours[row["scale"]], markersize=12)
        else:
            ax.annotate("none", (row["scale"], 985), ha="center", va="top", fontsize="small")
    ax.plot([], [], "*", color=BLACK, markersize=10, label="measured collapse, 95 % interval")
    for column, (colour, style, _) in _PREDICTIONS.items():
        ax.plot(found["scale"], found[column], style, color=colour, linewidth=1.8)
    ax.plot(
        found["scale"],
        found["t_spectral"],
        ":",
        color=ORANGE,
        linewidth=1.8,
        label="predicted, spectral level",
    )
    ax.set(
        xlabel="scale",
        ylabel=f"t at which retention has lost\n{found['loss'].iloc[0]:.0%} of what it has above chance",
        ylim=(0, 1020),
        xscale="log",
    )
    ax.set_xticks(found["scale"], [f"{scale:g}" for scale in found["scale"]])
    ax.xaxis.set_minor_locator(NullLocator())
    tidy(ax)
