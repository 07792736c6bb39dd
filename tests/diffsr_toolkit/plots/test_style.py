"""Colours, axes and legends that figures share."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from diffsr_toolkit import plots
from diffsr_toolkit.plots import plain_numbers, shared_legend, tidy


def test_colours_differ_in_lightness_or_hue_for_everyone():
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


def test_a_shared_legend_has_each_label_once():
    figure = Figure(layout="constrained")
    for ax, labels in zip(figure.subplots(1, 3), ("ab", "bc", "c"), strict=True):
        for label in labels:
            ax.plot([0, 1], label=label)
    shared_legend(figure)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c"]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_ticks_are_plain_numbers_and_the_grid_lies_behind(scale):
    figure = Figure()
    ax = figure.subplots()
    ax.plot([0.01, 1000], [1, 2])
    ax.set_xscale(scale)
    tidy(ax)
    plain_numbers(ax.xaxis)
    figure.canvas.draw()
    shown = [text.get_text() for text in ax.get_xticklabels()]
    assert shown == [f"{value:g}" for value in ax.get_xticks()] and not any("$" in text for text in shown)
    assert ax.get_axisbelow() is True and not ax.spines["top"].get_visible()
