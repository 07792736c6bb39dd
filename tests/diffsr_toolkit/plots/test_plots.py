from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import rcParams
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from diffsr_toolkit import DiffSR
from diffsr_toolkit.errors import ImageError, ToolkitError
from diffsr_toolkit.stats import optima
from diffsr_toolkit.plots import plot_comparison, plot_curve, plot_curves, plot_field, plot_optima, to_array
from theory.prf import PRF
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

SCHEDULE = NoiseSchedule.linear()


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    def denoiser(x, sigma):
        return x / (1 + sigma.view(-1, 1, 1, 1) ** 2)

    images = {
        name: torch.rand((3, 24, 30), generator=torch.Generator().manual_seed(i)) * 2 - 1
        for i, name in enumerate("ab")
    }
    sr = DiffSR(denoiser, SCHEDULE)
    return sr.sweep(images, [2, (2, 3)], "auto", ["psnr_y", "lr_psnr"], [0, 1], steps=2, progress=False)


def labels(ax):
    return ax.get_legend_handles_labels()[1]


def vertical(ax, label):
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line.get_xdata()[0]


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
    assert vertical(ax, "predicted optimum") == found["t_pred"]
    assert vertical(ax, "measured optimum") == found["t_best"]
    (mean,) = [line for line in ax.lines if line.get_label() == "Diff-SR, measured"]
    np.testing.assert_allclose(mean.get_ydata(), rows.groupby("t")["value"].mean())
    (seeds,) = [line for line in ax.lines if line.get_label() == "each seed"]
    assert sorted(seeds.get_ydata()) == sorted(rows["value"])
    (bicubic,) = [line for line in ax.lines if line.get_label() == "bicubic"]
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
    assert "each seed" not in labels(ax)
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


def test_field_is_shaded_and_the_optimum_marked():
    prf = PRF(SCHEDULE, PowerLaw(2e-4, 2.6))
    prediction = prf.predict(3.0)
    ax = Figure().subplots()
    plot_field(ax, SCHEDULE, prf, prediction)
    (band,) = ax.patches
    left, right = band.get_x(), band.get_x() + band.get_width()
    assert (left, right) == pytest.approx((prediction.t_low, prediction.t_high))
    assert vertical(ax, "predicted optimum") == prediction.t_opt
    (snr,) = [line for line in ax.lines if line.get_label() == "SNR of the schedule"]
    np.testing.assert_allclose(snr.get_ydata(), SCHEDULE.snr(snr.get_xdata()))
    assert ax.get_yscale() == "log"
    (twin,) = [other for other in ax.figure.axes if other is not ax]
    curves = {line.get_label(): line for line in twin.lines}
    t = curves["realism deficit"].get_xdata()
    np.testing.assert_allclose(curves["realism deficit"].get_ydata(), prf.realism_deficit(t, 3.0))
    np.testing.assert_allclose(curves["signature loss"].get_ydata(), prf.signature_loss(t, 3.0))


def test_an_empty_field_is_said_and_not_shaded():
    prf = PRF(SCHEDULE, PowerLaw(2e-4, 2.6), eps_realism=0.01, eps_signature=0.01)
    prediction = prf.predict(16.0)
    assert not prediction.is_open
    ax = Figure().subplots()
    plot_field(ax, SCHEDULE, None, prediction)
    assert not ax.patches
    assert "field empty" in ax.get_title()
    assert "recoverable field" not in labels(ax)


@pytest.mark.parametrize(
    "schedule",
    [NoiseSchedule.flow_matching(), NoiseSchedule.karras(), NoiseSchedule.cosine()],
    ids=lambda s: s.name,
)
def test_field_draws_on_every_schedule(schedule):
    figure = Figure()
    prf = PRF(schedule, PowerLaw(2e-4, 2.6))
    plot_field(figure.subplots(), schedule, prf, prf.predict(4.0))
    figure.canvas.draw()


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


def test_comparison_shows_every_image_whole_and_enlarged():
    hr = torch.zeros(3, 30, 40)
    hr[:, 12:18, 20:26] = torch.rand(3, 6, 6)
    low = torch.zeros(3, 10, 13)
    figure = plot_comparison(
        {"low": low, "restored": hr * 1.2, "original": hr}, {"restored": "31.2 dB"}, title="cat"
    )
    figure.canvas.draw()
    assert len(figure.axes) == 6
    titles = [ax.get_title() for ax in figure.axes[:3]]
    assert titles == ["low", "restored\n31.2 dB", "original"]
    assert figure.axes[0].images[0].get_array().shape[:2] == (10, 13)
    assert all(ax.images[0].get_extent() == [0, 40, 30, 0] for ax in figure.axes)
    # The most detailed square is enlarged.
    left, right = figure.axes[5].get_xlim()
    bottom, top = figure.axes[5].get_ylim()
    assert left <= 20 < 26 <= right
    assert top <= 12 < 18 <= bottom


def test_comparison_takes_a_crop_grey_images_and_pil():
    grey = Image.new("L", (40, 30), 128)
    figure = plot_comparison({"grey": grey}, crop=(2, 3, 10, 20))
    assert figure.axes[1].get_xlim() == (3, 23)
    assert figure.axes[1].get_ylim() == (12, 2)
    with pytest.raises(ImageError, match="outside"):
        plot_comparison({"grey": grey}, crop=(25, 0, 10, 10))
    with pytest.raises(ImageError, match="0 images"):
        plot_comparison({})


def test_arrays_are_in_the_unit_range():
    array = to_array(torch.tensor([-3.0, 0.0, 1.0]).view(1, 1, 3))
    assert array.tolist() == [[0.0, 0.5, 1.0]]


def test_nothing_global_changes(frame):
    before = dict(rcParams)
    plot_curves(frame, "psnr_y")
    assert dict(rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_colours_differ_in_lightness_or_hue_for_everyone():
    from diffsr_toolkit import plots

    # Machado et al. (2009): protanopia, deuteranopia and tritanopia at full severity.
    matrices = [
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ]
    colours = [np.array(to_rgb(c)) for c in (plots.BLUE, plots.ORANGE, plots.BLACK)]
    for matrix in matrices:
        seen = [np.clip(np.array(matrix) @ colour, 0, 1) for colour in colours]
        assert min(np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[:i]) > 0.15
