"""What a sweep measured, as figures."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import rcParams
from matplotlib.figure import Figure

from diffsr_toolkit import DiffSR
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.plots import plot_curve, plot_curves, plot_optima
from diffsr_toolkit.stats import optima
from helpers.figures import line_labelled
from theory.schedules import NoiseSchedule


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    def denoiser(x, sigma):
        return x / (1 + sigma.view(-1, 1, 1, 1) ** 2)

    images = {
        name: torch.rand((3, 24, 30), generator=torch.Generator().manual_seed(i)) * 2 - 1
        for i, name in enumerate("ab")
    }
    sr = DiffSR(denoiser, NoiseSchedule.linear())
    return sr.sweep(images, [2, (2, 3)], "auto", ["psnr_y", "lr_psnr"], [0, 1], steps=2, progress=False)


def test_curve_shows_the_values_the_means_and_the_optima(frame):
    ax = Figure().subplots()
    plot_curve(ax, frame, "a", (2.0, 3.0), "psnr_y")
    rows = frame[
        (frame["image"] == "a")
        & (frame["scale_x"] == 3)
        & (frame["metric"] == "psnr_y")
        & (frame["method"] == "diffsr")
    ]
    found = optima(rows).iloc[0]
    assert line_labelled(ax, "predicted optimum").get_xdata()[0] == found["t_pred"]
    assert line_labelled(ax, "measured optimum").get_xdata()[0] == found["t_best"]
    mean = line_labelled(ax, "Diff-SR, measured")
    np.testing.assert_allclose(mean.get_ydata(), rows.groupby("t")["value"].mean())
    seeds = line_labelled(ax, "each seed")
    assert sorted(seeds.get_ydata()) == sorted(rows["value"])
    bicubic = line_labelled(ax, "bicubic")
    assert (
        bicubic.get_ydata()[0]
        == frame[frame["method"] == "bicubic"]
        .query("image == 'a' and scale_x == 3 and metric == 'psnr_y'")["value"]
        .item()
    )
    assert ax.get_legend() is not None
    assert "dB" in ax.get_ylabel()
    assert "higher is better" in ax.get_ylabel()


def test_one_seed_needs_no_interval(frame):
    ax = Figure().subplots()
    plot_curve(ax, frame[frame["seed"] == 0], "b", 2, "psnr_y", legend=False)
    assert "each seed" not in ax.get_legend_handles_labels()[1]
    assert not ax.collections
    assert ax.get_legend() is None


def test_a_missing_curve_is_named(frame):
    with pytest.raises(ToolkitError, match="'c'"):
        plot_curve(Figure().subplots(), frame, "c", 2, "psnr_y")
    with pytest.raises(ToolkitError, match="'ssim'"):
        plot_curves(frame, "ssim")


def test_curves_fill_a_grid_and_share_one_legend(frame):
    figure = plot_curves(frame, "psnr_y")
    assert [ax.get_title().split("\n")[0] for ax in figure.axes] == [
        "a, scale 2", "a, scale 2 x 3", "b, scale 2", "b, scale 2 x 3",
    ]  # fmt: skip
    assert len(figure.legends) == 1
    figure.canvas.draw()
    incomplete = frame[~((frame["image"] == "b") & (frame["scale_x"] == 3))]
    assert [ax.axison for ax in plot_curves(incomplete, "psnr_y").axes] == [True, True, True, False]


def test_optima_are_points_on_log_axes_and_edges_are_hollow(frame):
    table = optima(frame)
    ax = Figure().subplots()
    plot_optima(ax, table)
    points = {
        (x, y)
        for line in ax.lines
        if line.get_linestyle() == "None"
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }
    assert points == set(zip(table["t_best"], table["t_pred"], strict=True))
    hollow = {x for line in ax.lines if str(line.get_markerfacecolor()) == "none" for x in line.get_xdata()}
    assert hollow == set(table.loc[table["at_edge"], "t_best"])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_nothing_global_changes(frame):
    before = dict(rcParams)
    plot_curves(frame, "psnr_y")
    assert dict(rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []
