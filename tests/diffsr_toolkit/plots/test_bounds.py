"""Bounds over the timestep, and over the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.plots import BOUND_TITLES, plot_bounds, plot_slack
from diffsr_toolkit.resources import data_path
from helpers.figures import drawn, line_labelled
from theory.bounds import Mismatch
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(data_path("bound_slack.csv"))


def test_slack_has_a_panel_a_bound_and_a_line_a_case(table):
    figure = plot_slack(table)
    panels = {ax.get_title(): ax for ax in drawn(figure)}
    assert list(panels) == [BOUND_TITLES[name] for name in BOUND_TITLES if name in set(table["bound"])]
    rows = table[(table["bound"] == "kl") & (table["oracle"] == "patches") & (table["scale_y"] == 4)]
    curves = [container.lines[0] for container in panels[BOUND_TITLES["kl"]].containers]
    assert len(curves) == 15
    assert any(np.array_equal(line.get_ydata(), rows["ratio"]) for line in curves)
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[:3] == ["gaussian", "mixture", "patches"] and len(texts) == 8
    assert texts[3:] == ["scale 1.6", "scale 2", "scale 2.7", "scale 4", "scale 2 x 4"]


def test_a_scale_has_one_line_style_in_all_laws(table):
    figure = plot_slack(table)
    (panel,) = [ax for ax in drawn(figure) if ax.get_title() == BOUND_TITLES["kl"]]
    styles = {}
    for container in panel.containers:
        line = container.lines[0]
        styles.setdefault(line.get_color(), []).append(str(line._unscaled_dash_pattern))
    assert len(styles) == 3
    assert len({tuple(sorted(patterns)) for patterns in styles.values()}) == 1
    assert all(len(set(patterns)) == 5 for patterns in styles.values())


def test_a_tight_bound_keeps_room(table):
    figure = plot_slack(table[table["bound"] == "information"])
    (panel,) = drawn(figure)
    low, high = panel.get_ylim()
    assert low <= 0.5 and high >= 5


def test_a_table_without_ratios_is_refused(table):
    with pytest.raises(ToolkitError, match="no ratio"):
        plot_slack(table.assign(ratio=np.nan))


@pytest.mark.parametrize(
    "schedule", [NoiseSchedule.linear(), NoiseSchedule.flow_matching(), NoiseSchedule.karras()]
)
def test_bounds_are_drawn_over_the_schedule(schedule):
    inputs = Mismatch.from_spectrum(PowerLaw(2e-4, 3.0), 2.7, (16, 16))
    figure = plot_bounds(inputs, schedule, points=20)
    assert [len(ax.lines) for ax in figure.axes] == [2, 3, 4, 2]
    line = line_labelled(figure.axes[0], "KL")
    t, kl = line.get_data()
    np.testing.assert_allclose(kl, inputs.bounds(schedule.snr(np.asarray(t))).kl)
    assert len(t) == 20
    assert all(ax.get_legend() is not None for ax in figure.axes)


def test_equal_images_draw_without_a_mismatch():
    hr = np.random.default_rng(0).uniform(-1, 1, (8, 8))
    figure = plot_bounds(Mismatch.from_pair(hr, hr), NoiseSchedule.linear(), points=5)
    assert len(figure.axes[0].lines[0].get_xdata()) == 0
