"""The methods of a sweep side by side."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from diffsr_toolkit.stats import BEST, BICUBIC, INTERPOLATED, PREDICTED, comparison_table
from helpers.tables import sweep_rows


def test_the_baselines_are_rows_of_the_comparison():
    frame = pd.DataFrame(sweep_rows(values={20.0: [25.0], 50.0: [24.0]}))
    back = frame[frame["method"] == "bicubic"].assign(method="back_projection", value=23.0)
    table = comparison_table(pd.concat([frame, back])).set_index("method")
    assert list(table.index) == [BICUBIC, "bicubic, back-projected", PREDICTED, BEST]
    assert table["PSNR (Y)"].tolist() == [20.0, 23.0, 24.0, 25.0]


def test_comparison_has_three_methods_and_picks_by_feature_distance():
    frame = pd.DataFrame(
        sweep_rows(metric="psnr_y", values={20.0: [25.0], 50.0: [24.0], 80.0: [21.0, 23.0]})
        + sweep_rows(
            metric="feature_distance", values={20.0: [0.9], 50.0: [0.5], 80.0: [0.4, 0.2]}, bicubic=0.8
        )
    )
    table = comparison_table(frame).set_index("method")
    assert list(table.index) == [BICUBIC, PREDICTED, BEST]
    assert table["PSNR (Y)"].tolist() == [20.0, 24.0, 22.0]
    assert table["feature distance"].tolist() == pytest.approx([0.8, 0.5, 0.3])
    assert table["t"].tolist()[1:] == [50.0, 80.0]
    assert table["NFE"].tolist() == [0, 10, 10]
    assert comparison_table(frame, best_by="psnr_y").set_index("method").loc[BEST, "t"] == 20.0


def test_comparison_says_what_is_interpolated():
    table = comparison_table(pd.DataFrame(sweep_rows(values={20.0: [25.0], 80.0: [21.0]}))).set_index(
        "method"
    )
    assert 21.0 < table.loc[INTERPOLATED, "PSNR (Y)"] < 25.0
    assert math.isnan(table.loc[INTERPOLATED, "NFE"])


def test_the_order_of_the_rows_does_not_matter():
    frame = pd.DataFrame(
        [
            row
            for s in (2.0, 4.0)
            for m in ("psnr_y", "ssim")
            for row in sweep_rows("a", s, m, {50.0: [1.0, 2.0], 80.0: [2.0]})
        ]
    )
    pd.testing.assert_frame_equal(
        comparison_table(frame), comparison_table(frame.sample(frac=1.0, random_state=0))
    )
