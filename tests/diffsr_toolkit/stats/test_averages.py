"""Means over images, with their intervals and counts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.stats import summary
from helpers.tables import sweep_rows


def three_images():
    frame = []
    for index, (best, bicubic) in enumerate([(25.0, 20.0), (22.0, 20.0), (19.0, 20.0)]):
        frame += sweep_rows(
            f"image{index}", values={20.0: [15.0], 50.0: [best - index], 80.0: [best]}, bicubic=bicubic
        )
    return pd.DataFrame(frame)


def test_summary_averages_over_images_and_counts_wins():
    (row,) = summary(three_images()).to_dict("records")
    assert (row["n_images"], row["n_seeds"], row["n_cases"]) == (3, 1, 3)
    assert row["abs_dt"] == pytest.approx((0 + 30 + 30) / 3)
    assert row["regret"] == pytest.approx((0 + 1 + 2) / 3)
    assert (row["wins_pred"], row["wins_best"], row["n_edge"]) == (2, 2, 2)
    assert 0 <= row["regret_low"] < row["regret"] < row["regret_high"] <= 2


def test_the_bootstrap_has_a_seed_and_needs_two_images():
    frame = three_images()
    pd.testing.assert_frame_equal(summary(frame, seed=3), summary(frame, seed=3))
    (row,) = summary(frame[frame["image"] == "image1"]).to_dict("records")
    assert row["regret"] == 1.0
    assert math.isnan(row["regret_low"])
    assert math.isnan(row["regret_high"])


def test_the_bootstrap_interval_is_the_exact_one_of_two_images():
    # Two images: the mean is one of a, (a+b)/2, b with 1/4, 1/2, 1/4.
    frame = three_images()
    (row,) = summary(frame[frame["image"] != "image0"]).to_dict("records")
    assert (row["regret_low"], row["regret_high"]) == (1.0, 2.0)


def test_without_scales_each_image_counts_once():
    frame = pd.DataFrame(
        sweep_rows("a", 2.0, values={50.0: [1.0], 80.0: [2.0]})
        + sweep_rows("a", 4.0, values={50.0: [1.0], 80.0: [4.0]})
        + sweep_rows("b", 2.0, values={50.0: [1.0], 80.0: [1.0]})
    )
    (row,) = summary(frame, per_scale=False).to_dict("records")
    assert row["regret"] == pytest.approx(((1 + 3) / 2 + 0) / 2)
    assert (row["n_images"], row["n_cases"]) == (2, 3)
    assert "scale_y" not in row


def test_summary_goes_by_metric_then_scale():
    frame = pd.DataFrame(
        [
            row
            for s in (4.0, 2.0)
            for m in ("ssim", "psnr_y")
            for row in sweep_rows("a", s, m, {50.0: [1.0], 80.0: [2.0]})
        ]
    )
    found = summary(frame)
    assert list(zip(found["metric"], found["scale_y"], strict=True)) == [
        ("psnr_y", 2.0), ("psnr_y", 4.0), ("ssim", 2.0), ("ssim", 4.0),
    ]  # fmt: skip


def test_resamples_are_drawn_over_images_one_column_after_the_other():
    frame = three_images()
    (row,) = summary(frame, seed=5).to_dict("records")
    rng = np.random.default_rng(5)
    for name, values in (("abs_dt", [0.0, 30.0, 30.0]), ("regret", [0.0, 1.0, 2.0])):
        means = np.array(values)[rng.integers(3, size=(2000, 3))].mean(axis=1)
        assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx(np.quantile(means, (0.025, 0.975)))


def test_an_infinite_mean_has_no_interval():
    frame = pd.DataFrame(
        sweep_rows("a", metric="lr_psnr", values={20.0: [math.inf], 50.0: [40.0]})
        + sweep_rows("b", metric="lr_psnr", values={20.0: [41.0], 50.0: [40.0]})
    )
    (row,) = summary(frame).to_dict("records")
    assert row["regret"] == math.inf
    assert math.isnan(row["regret_low"]) and math.isnan(row["regret_high"])
    assert row["abs_dt"] == row["abs_dt_low"] == row["abs_dt_high"] == 30.0
