"""The study's figures show every row they are given, and nothing covers anything."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.errors import StoreError, ToolkitError
from diffsr_toolkit.experiments.study import (
    FIXED,
    HUNDREDS,
    PER_IMAGE,
    PER_SCALE,
    YARDSTICKS,
    method_title,
    plot_predicted_measured,
    plot_regret,
    plot_regret_by_scale,
)
from helpers.figures import drawn, legend_is_clear


def points(ax):
    markers = [line for line in ax.lines if line.get_marker() in ("o", "D")]
    return {(x, y) for line in markers for x, y in zip(*line.get_data(), strict=True)}


def test_predicted_against_measured_has_a_panel_a_method_and_a_point_a_case(study_cases):
    figure = plot_predicted_measured(study_cases)
    rows = study_cases[(study_cases["arm"] == "single") & (study_cases["metric"] == "feature_distance")]
    panels = {ax.get_title().split("\n")[0]: ax for ax in drawn(figure)}
    shown = rows[~rows["method"].isin(YARDSTICKS)]
    assert set(panels) == {method_title(name) for name in shown["method"]} and len(panels) == 11
    for method, group in shown.groupby("method"):
        ax = panels[method_title(method)]
        assert points(ax) == set(zip(group["t_best"], group["t_pred"], strict=True))
        distance = group.groupby("image")["abs_dt"].mean().mean()
        assert f"mean |dt| = {distance:.1f}" in ax.get_title()
        assert ("rank corr." in ax.get_title()) == (group["t_pred"].nunique() > 1)
        # Zero has a place, inside the panel.
        assert ax.get_xlim()[0] < 0 and ax.get_xlim() == ax.get_ylim()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["scale 1.6", "scale 2.7", "scale 4", "scale 2 x 4", "best t at the edge of the grid"]
    assert legend_is_clear(figure)


def test_edges_are_hollow_and_unequal_scales_diamonds(study_cases):
    ax = drawn(plot_predicted_measured(study_cases))[0]
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "none"]
    assert {x for line in hollow for x in line.get_xdata()} == {0.0}
    diamonds = [line for line in ax.lines if line.get_marker() == "D"]
    assert sum(len(line.get_xdata()) for line in diamonds) == 5


def test_levels_without_an_answer_have_no_panel(study_cases):
    titles = [ax.get_title() for ax in drawn(plot_predicted_measured(study_cases, "wiener"))]
    assert len(titles) == 8 and not any("model-aware" in title for title in titles)
    silent = study_cases[study_cases["t_pred"].isna()]
    with pytest.raises(ToolkitError, match="no way of choosing has an answer"):
        plot_predicted_measured(silent, "wiener")


def test_regret_has_a_panel_an_arm_with_means_and_intervals(study_summary):
    figure = plot_regret(study_summary)
    panels = drawn(figure)
    assert [ax.get_title().split("\n")[0] for ax in panels] == [
        "embedded, eta 0", "embedded, PAIR (eta 1)", "Wiener, eta 0",
    ]  # fmt: skip
    assert all(ax.get_title().endswith("\n5 photographs") for ax in panels)
    names = [text.get_text() for text in panels[0].get_yticklabels()]
    assert names[-4:] == [HUNDREDS, FIXED, PER_SCALE, PER_IMAGE] and len(names) == 13
    rows = study_summary[
        (study_summary["arm"] == "single") & (study_summary["metric"] == "feature_distance")
    ].set_index("method")
    rows = rows[rows["regret_percent"].notna()]
    shown = {}
    for container in panels[0].containers:
        (mean,), (place,) = container.lines[0].get_data()
        (bar,) = container.lines[2][0].get_segments()
        shown[names[round(place)]] = (mean, bar[0, 0], bar[1, 0])
    for method, row in rows.iterrows():
        expected = (row["regret_percent"], row["regret_percent_low"], row["regret_percent_high"])
        np.testing.assert_allclose(shown[method_title(method)], expected)
    high = study_summary[study_summary["metric"] == "feature_distance"]["regret_percent_high"].max()
    assert panels[0].get_xlim()[0] == 0 and panels[0].get_xlim()[1] > high
    ticks = panels[0].get_xticks()
    assert ticks[0] == 0 and min(ticks[1:]) >= rows["regret_percent"].min() / 2
    # The grey behind what hindsight chose ends between it and the theory.
    (band,) = panels[0].patches
    assert band.get_y() == 8.5 and band.get_height() == 4


def test_regret_of_chosen_arms_only(study_summary):
    (ax,) = drawn(plot_regret(study_summary, "psnr_rgb", ["wiener"]))
    assert len(ax.containers) == 6 + 4
    with pytest.raises(ToolkitError, match="no arm 'ffdnet' here: choose among single, pair, wiener"):
        plot_regret(study_summary, arms=["ffdnet"])
    with pytest.raises(ToolkitError, match="0 arms"):
        plot_regret(study_summary, arms=[])


def test_regret_by_scale_keeps_unequal_scales_apart(study_per_scale):
    figure = plot_regret_by_scale(study_per_scale)
    panels = figure.axes
    assert [ax.get_title() for ax in panels] == [
        "from each image", "image and reference pooled", "from the scale alone",
    ]  # fmt: skip
    assert [text.get_text() for text in panels[0].get_xticklabels()] == ["1.6", "2.7", "4", "2 x 4"]
    assert figure._suptitle is None and legend_is_clear(figure)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "closed form", "spectral", "model-aware", "best multiple of 100 per scale", "best single t",
    ]  # fmt: skip
    for ax in panels:
        # Five ways, each a line over the equal scales and a point for the unequal one.
        assert sorted(len(container.lines[0].get_xdata()) for container in ax.containers) == [1] * 5 + [3] * 5


@pytest.mark.parametrize(
    ("plot", "fixture"),
    [
        (plot_predicted_measured, "study_cases"),
        (plot_regret, "study_summary"),
        (plot_regret_by_scale, "study_per_scale"),
    ],
)
def test_a_table_of_another_kind_is_refused(plot, fixture, request):
    table = request.getfixturevalue(fixture)
    with pytest.raises(StoreError, match="lacks the columns"):
        plot(table.drop(columns=["regret_percent"]))
    with pytest.raises(ToolkitError, match="no metric 'lpips'"):
        plot(table, metric="lpips")
