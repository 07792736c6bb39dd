"""The solvable case as figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.plots import plot_oracle, plot_steps


def test_oracle_figure_shows_every_row():
    head = {
        "operator": "ideal",
        "lr_shape": "16x16",
        "steps": 10,
        "eta": 0.0,
        "blur_sigma": 1.0,
        "noise_std": 0.0,
    }
    rows = [
        head | {"quantity": name, "predicted": 1.0, "relative_difference": x, "standard_error": 0.002}
        for name, x in (("mse", 0.004), ("frechet", -0.003))
    ]
    figure = plot_oracle(pd.DataFrame(rows))
    ax = figure.axes[0]
    (label,) = figure.legends[0].get_texts()
    assert label.get_text() == "ideal to 16x16, 10 steps, eta 0, blur 1"
    (points,) = (line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(np.asarray(points.get_ydata(), dtype=float), [0.4, -0.3])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["mse", "frechet"]
    with pytest.raises(ToolkitError, match="at least one case"):
        plot_oracle(pd.DataFrame(columns=[*head, "quantity"]))


def test_steps_figure_has_curves_and_limits():
    columns = ["steps", "eta", "spacing", "psnr", "frechet", "regenerated_share"]
    values = [(1, 0.0, "log_snr"), (10, 0.0, "log_snr"), (0, 0.0, "limit"), (1, 1.0, "timestep")]
    table = pd.DataFrame([(*row, 26.0, 0.01, 0.5) for row in values], columns=columns)
    left, right = plot_steps(table).axes
    assert len(left.lines) == len(right.lines) == 3
    assert {text.get_text() for text in left.get_legend().get_texts()} == {
        "DDIM, uniform in log-snr",
        "DDPM, uniform in timestep",
    }
