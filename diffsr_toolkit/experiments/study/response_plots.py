"""Figures of what a model gives back and of what a metric charges: the reasons behind the model-aware level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator
from numpy.typing import NDArray

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.experiments.study.flatness import Well
from diffsr_toolkit.models import ModelCard, settings_of
from diffsr_toolkit.plots import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    plain_numbers,
    shared_legend,
    tidy,
)
from diffsr_toolkit.stats import SHORT, scale_label
from theory.prf import BANDS, ModelResponse, Sensitivity
from theory.spectra import PowerLaw

Array = NDArray[np.float64]

_SHOWN = 4
_LOOKS = ((VERMILION, "-"), (BLUE, "--"), (GREEN, "-."), (ORANGE, ":"), (GREY, (0, (5, 1.5, 1, 1.5))))


def plot_response(response: ModelResponse) -> Figure:
    """Gain and power of a model's restorations over ``nu = f / f_c``, at a few of the noise levels measured.

    Parameters
    ----------
    response : ModelResponse

    Returns
    -------
    matplotlib.figure.Figure
        Left the gain K, right the power P. A thin line is one scale, the thick one their mean: where the thin ones
        lie together, K and P do not depend on the scale. Dashed, the power of the upsampled image itself.
    """
    shown = sorted({round(place) for place in np.linspace(0, len(response.ratios) - 1, _SHOWN)})
    colours = sns.color_palette("flare", len(shown))
    nu = _centres(response)
    figure = Figure(figsize=(10, 4), layout="constrained")
    gain, power = figure.subplots(1, 2)
    for colour, place in zip(colours, shown, strict=True):
        ratio = response.ratios[place]
        label = f"$r_c$ = {ratio:.0f}" if ratio >= 1 else f"$r_c$ = {ratio:.2g}"
        _bundle(gain, nu, response.gain[:, place], colour, label)
        _bundle(power, nu, response.power[:, place], colour, label)
    _bundle(power, nu, response.lr_up_power, BLACK, "upsampled image", "--")
    for ax, name in ((gain, "gain K"), (power, "power P")):
        ax.axvline(1, color="0.6", linewidth=1, linestyle=":")
        _nu_axis(ax, nu, response)
        ax.set_ylabel(name)
        tidy(ax)
    gain.axhline(0, color="0.6", linewidth=0.8)
    power.axhline(1, color="0.6", linewidth=0.8)
    power.set(yscale="log", ylim=(1e-3, 5))
    power.yaxis.set_minor_locator(NullLocator())
    plain_numbers(power.yaxis)
    figure.suptitle(_title(response), fontsize="medium")
    handles, labels = power.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize="small"
    )
    return figure


def _bundle(ax: Axes, nu: Array, planes: Array, colour: Any, label: str, style: str = "-") -> None:
    """Thin lines of the scales, shape (k, m), and their mean."""
    for line in planes:
        ax.plot(nu, line, style, color=colour, linewidth=0.7, alpha=0.55)
    known = np.isfinite(planes)
    mean = np.where(known, planes, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    mean = np.where(known.any(axis=0), mean, np.nan)
    ax.plot(nu, mean, style, color=colour, linewidth=2, label=label)


def _centres(response: ModelResponse) -> Array:
    edges = BANDS.copy()
    edges[0] = edges[1] / 2
    # The last band ends where the corner of the largest scale's frequencies does.
    edges[-1] = np.clip(2**0.5 * response.scales[-1], 1.05 * edges[-2], edges[-1])
    return np.asarray(np.sqrt(edges[:-1] * edges[1:]))


def _nu_axis(ax: Axes, nu: Array, response: ModelResponse) -> None:
    measured = np.isfinite(response.gain).any(axis=(0, 1))
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator([0.25, 0.5, 1, 2, 4, 8]))
    ax.xaxis.set_minor_locator(NullLocator())
    plain_numbers(ax.xaxis)
    ax.set_xlim(nu[0] / 1.1, nu[measured].max() * 1.1)
    ax.set_xlabel("frequency over the cut-off, $\\nu = f / f_c$")


def _title(response: ModelResponse) -> str:
    settings = settings_of(response)
    way = "back-projected" if settings.consistency else "plain Diff-SR"
    model = response.model or "model"
    return f"{model}, {settings.samples} x {settings.steps} steps, eta {settings.eta:g}, {way}"


def plot_wells(found: Mapping[str, Sequence[Well]], limit: float = 1.6) -> Figure:
    """The expected metric over the timestep, one panel a setting, one line a scale.

    Parameters
    ----------
    found : mapping of titles to what `diffsr_toolkit.experiments.study.wells` returns
    limit : float
        Top of the axes, where the upsampled image is 1.

    Returns
    -------
    matplotlib.figure.Figure
        A thick line is within 1 % of the least value, the point its place. Below the dotted line the restoration
        is better than the upsampled image.

    Raises
    ------
    ToolkitError
        When nothing is given.
    """
    if not found or not all(found.values()):
        raise ToolkitError(
            "0 wells were given: compute at least one with diffsr_toolkit.experiments.study.wells"
        )
    figure = Figure(figsize=(5 * len(found), 4), layout="constrained")
    axes = figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
    scales = sorted({well.scale for group in found.values() for well in group}, key=np.prod)
    colours = dict(zip(scales, sns.color_palette("viridis", len(scales)), strict=True))
    for ax, (title, group) in zip(axes, found.items(), strict=True):
        for well in group:
            low, high = well.width
            near = (well.t >= low) & (well.t <= high)
            label = f"scale {scale_label(*well.scale)}"
            ax.plot(well.t, well.cost, color=colours[well.scale], linewidth=1.2, label=label)
            ax.plot(well.t[near], well.cost[near], color=colours[well.scale], linewidth=4, alpha=0.5)
            ax.plot(well.t_best, well.cost.min(), "o", color=colours[well.scale], markeredgecolor="white")
        ax.axhline(1, color=BLACK, linewidth=1, linestyle=":")
        ax.set(xscale="log", xlabel="injection timestep t", title=title)
        ax.title.set_fontsize("medium")
        ax.set_xlim(left=1)
        ax.xaxis.set_major_locator(LogLocator())
        ax.xaxis.set_minor_locator(NullLocator())
        plain_numbers(ax.xaxis)
        tidy(ax)
    lowest = min(well.cost.min() for group in found.values() for well in group)
    axes[0].set_ylim(lowest - 0.05, limit)
    axes[0].set_ylabel("expected metric / upsampled image's")
    shared_legend(figure)
    return figure


def plot_sensitivity(sensitivities: Sequence[Sensitivity], spectrum: PowerLaw) -> Figure:
    """What metrics charge for losing one octave of an image, over frequency, relative to each one's largest.

    Parameters
    ----------
    sensitivities : sequence of Sensitivity
    spectrum : PowerLaw
        Of the images: an absolute metric such as PSNR charges the octave's power.

    Returns
    -------
    matplotlib.figure.Figure
        Dotted lines are the cut-offs of some scales: what lies to the right of one is what that scale loses.

    Raises
    ------
    ToolkitError
        When none is given.
    """
    if not sensitivities:
        raise ToolkitError("0 sensitivities were given: a figure needs at least one")
    figure = Figure(figsize=(7, 3.9), layout="constrained")
    ax = figure.subplots()
    for number, sensitivity in enumerate(sensitivities):
        colour, style = _LOOKS[number % len(_LOOKS)]
        f = sensitivity.frequency if sensitivity.is_relative else np.geomspace(0.0093, 0.5, 40)
        coherent, _ = sensitivity.charge(f, np.asarray(spectrum(f)))
        octave = coherent * f**2
        ax.plot(
            f, octave / octave.max(), linestyle=style, marker="o" if sensitivity.is_relative else "",
            color=colour, markersize=4, linewidth=1.8, label=SHORT.get(sensitivity.metric, sensitivity.metric),
        )  # fmt: skip
    ax.set(xscale="log", ylim=(0, 1.12), xlabel="cycles per pixel", ylabel="charge of an octave lost")
    for scale in (1.3, 2, 4, 8):
        ax.axvline(0.5 / scale, color="0.6", linewidth=0.9, linestyle=":")
        ax.annotate(f"x{scale:g}", (0.5 / scale, 1.11), ha="center", va="top", fontsize="small", color="0.3")
    ax.xaxis.set_major_locator(FixedLocator([0.01, 0.02, 0.05, 0.1, 0.2, 0.5]))
    ax.xaxis.set_minor_locator(NullLocator())
    plain_numbers(ax.xaxis)
    tidy(ax)
    figure.legend(loc="outside lower center", ncols=len(sensitivities), frameon=False, fontsize="small")
    return figure


def plot_denoising(card: ModelCard) -> Figure:
    """A network's squared error over the linear (Wiener) estimator's, at every power over noise.

    Parameters
    ----------
    card : ModelCard
        Of the network; its ``denoising`` holds the lists "ratios" ``r = S_f / sigma^2`` and "efficiency".

    Returns
    -------
    matplotlib.figure.Figure
        Below the line at 1 the network knows more of images than their spectrum.

    Raises
    ------
    ToolkitError
        When the curve was not measured.
    """
    curve = card.denoising
    if not curve or len(curve["ratios"]) != len(curve["efficiency"]) or not len(curve["ratios"]):
        raise ToolkitError(
            f"the card of {card.name!r} holds no denoising curve: measure it with diffsr calibrate"
        )
    ratio, efficiency = np.asarray(curve["ratios"], float), np.asarray(curve["efficiency"], float)
    figure = Figure(figsize=(7, 3.7), layout="constrained")
    ax = figure.subplots()
    ax.plot(ratio, efficiency, "o-", color=VERMILION, markersize=4.5, linewidth=1.8, label="network")
    ax.axhline(1, color=BLACK, linewidth=1.2, linestyle="--", label="Wiener filter")
    better = efficiency < 1
    ax.fill_between(
        ratio, efficiency, 1, where=better, color=VERMILION, alpha=0.1, linewidth=0, interpolate=True
    )
    ax.set(xscale="log", yscale="log", xlabel="power over noise, $r = S_f / \\sigma^2$")
    ax.set_ylabel("squared error / Wiener filter's")
    ax.xaxis.set_major_locator(LogLocator(numticks=12))
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_locator(NullLocator())
        plain_numbers(axis)
    tidy(ax)
    ax.legend(
        handles=[handle for handle in ax.lines if isinstance(handle, Line2D)], frameon=False, fontsize="small"
    )
    return figure
