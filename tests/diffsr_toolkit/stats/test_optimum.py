from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.stats import (
    BEST,
    BICUBIC,
    INTERPOLATED,
    PREDICTED,
    comparison_table,
    optima,
    scale_label,
    summary,
)
from theory.schedules import NoiseSchedule

SCHEDULE = NoiseSchedule.linear()


def rows(image="cat", scale=2.0, metric="psnr_y", values=None, t_pred=50.0, bicubic=20.0):
    """A sweep's rows: ``values`` maps a timestep to its values over seeds."""
    common = {"image": image, "scale_y": scale, "scale_x": scale, "metric": metric, "t_pred": t_pred}
    made = [
        {
            **common,
            "method": "bicubic",
            "t": math.nan,
            "snr": math.nan,
            "seed": 0,
            "nfe": 0,
            "seconds": 0.0,
            "value": bicubic,
        }
    ]
    for t, found in values.items():
        for seed, value in enumerate(found):
            snr = SCHEDULE.snr(t)
            made.append(
                {
                    **common,
                    "method": "diffsr",
                    "t": t,
                    "snr": snr,
                    "seed": seed,
                    "nfe": 10,
                    "seconds": t,
                    "value": value,
                }
            )
    return made


def one(**kwargs):
    return optima(pd.DataFrame(rows(**kwargs))).iloc[0]


def test_the_mean_over_seeds_decides():
    found = one(values={20.0: [30.0, 10.0], 50.0: [21.0, 22.0], 90.0: [5.0, 6.0]})
    assert (found["t_best"], found["value_best"]) == (50.0, 21.5)
    assert (found["value_pred"], found["regret"], found["abs_dt"], found["octaves"]) == (21.5, 0.0, 0.0, 0.0)
    assert (found["n_seeds"], found["nfe"], found["seconds"], found["value_bicubic"]) == (2, 10, 50.0, 20.0)
    assert not found["at_edge"]
    assert found["measured"]


@pytest.mark.parametrize(("metric", "best"), [("psnr_y", 90.0), ("feature_distance", 20.0)])
def test_regret_knows_the_metrics_direction(metric, best):
    found = one(metric=metric, values={20.0: [1.0], 50.0: [2.0], 90.0: [4.0]})
    assert found["t_best"] == best
    assert found["regret"] == pytest.approx(2.0 if best == 90.0 else 1.0)
    assert found["regret_percent"] == pytest.approx(50.0 if best == 90.0 else 100.0)
    assert found["abs_dt"] == abs(50.0 - best)
    assert found["at_edge"]


def test_of_equal_values_the_smallest_timestep_is_best():
    assert one(values={20.0: [1.0], 50.0: [3.0], 90.0: [3.0]})["t_best"] == 50.0


def test_octaves_are_doublings_of_the_noise_level():
    half = SCHEDULE.t_of_sigma(SCHEDULE.sigma(50.0) / 2)
    assert one(values={half: [3.0], 50.0: [2.0], 90.0: [1.0]})["octaves"] == pytest.approx(1.0)


def test_a_metric_linear_in_log_snr_is_interpolated_exactly():
    grid = [5.0, 20.0, 45.0, 80.0, 130.0]
    found = one(values={t: [SCHEDULE.log_snr(t)] for t in grid}, t_pred=60.0)
    assert not found["measured"]
    # The table knows log-SNR only at the timesteps measured and interpolates it between them.
    assert found["value_pred"] == pytest.approx(SCHEDULE.log_snr(60.0), abs=0.02)
    assert found["regret"] == pytest.approx(found["value_best"] - found["value_pred"])


def test_a_prediction_outside_the_grid_has_no_value():
    found = one(values={20.0: [1.0], 40.0: [2.0], 45.0: [1.5]}, t_pred=50.0)
    assert all(math.isnan(found[name]) for name in ("value_pred", "regret", "regret_percent"))
    assert found["abs_dt"] == 10.0


def test_infinite_values_give_no_false_regret():
    found = one(metric="lr_psnr", values={20.0: [math.inf], 50.0: [math.inf], 90.0: [40.0]})
    assert (found["t_best"], found["regret"], found["regret_percent"]) == (20.0, 0.0, 0.0)


values = st.floats(-50, 50, allow_nan=False)


@given(
    st.dictionaries(
        st.integers(1, 999).map(float), st.lists(values, min_size=1, max_size=3), min_size=1, max_size=8
    ),
    st.floats(1, 999),
    st.booleans(),
    st.sampled_from(["psnr_y", "feature_distance"]),
)
@settings(deadline=None, max_examples=150)
def test_regret_is_never_negative(curve, t_pred, on_grid, metric):
    t_pred = sorted(curve)[len(curve) // 2] if on_grid else t_pred
    found = one(metric=metric, values=curve, t_pred=t_pred)
    assert found["regret"] >= 0 or math.isnan(found["regret"])
    if on_grid:
        assert found["regret"] >= 0
        assert found["regret"] == pytest.approx(abs(found["value_best"] - np.mean(curve[t_pred])))
    elif len(curve) > 1 and min(curve) < t_pred < max(curve):
        assert min(map(np.mean, curve.values())) <= found["value_pred"] <= max(map(np.mean, curve.values()))


def three_images():
    frame = []
    for index, (best, bicubic) in enumerate([(25.0, 20.0), (22.0, 20.0), (19.0, 20.0)]):
        frame += rows(
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
        rows("a", 2.0, values={50.0: [1.0], 80.0: [2.0]})
        + rows("a", 4.0, values={50.0: [1.0], 80.0: [4.0]})
        + rows("b", 2.0, values={50.0: [1.0], 80.0: [1.0]})
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
            for row in rows("a", s, m, {50.0: [1.0], 80.0: [2.0]})
        ]
    )
    found = summary(frame)
    assert list(zip(found["metric"], found["scale_y"], strict=True)) == [
        ("psnr_y", 2.0), ("psnr_y", 4.0), ("ssim", 2.0), ("ssim", 4.0),
    ]  # fmt: skip


def test_the_order_of_the_rows_does_not_matter():
    frame = pd.DataFrame(
        [
            row
            for s in (2.0, 4.0)
            for m in ("psnr_y", "ssim")
            for row in rows("a", s, m, {50.0: [1.0, 2.0], 80.0: [2.0]})
        ]
    )
    shuffled = frame.sample(frac=1.0, random_state=0)
    pd.testing.assert_frame_equal(optima(frame), optima(shuffled))
    pd.testing.assert_frame_equal(comparison_table(frame), comparison_table(shuffled))


def test_the_baselines_are_rows_of_the_comparison():
    frame = pd.DataFrame(rows(values={20.0: [25.0], 50.0: [24.0]}))
    back = frame[frame["method"] == "bicubic"].assign(method="back_projection", value=23.0)
    table = comparison_table(pd.concat([frame, back])).set_index("method")
    assert list(table.index) == [BICUBIC, "bicubic, back-projected", PREDICTED, BEST]
    assert table["PSNR (Y)"].tolist() == [20.0, 23.0, 24.0, 25.0]
    assert optima(pd.concat([frame, back]))["value_back_projection"].tolist() == [23.0]
    assert optima(frame)["value_back_projection"].isna().all()


def test_comparison_has_three_methods_and_picks_by_feature_distance():
    frame = pd.DataFrame(
        rows(metric="psnr_y", values={20.0: [25.0], 50.0: [24.0], 80.0: [21.0, 23.0]})
        + rows(metric="feature_distance", values={20.0: [0.9], 50.0: [0.5], 80.0: [0.4, 0.2]}, bicubic=0.8)
    )
    table = comparison_table(frame).set_index("method")
    assert list(table.index) == [BICUBIC, PREDICTED, BEST]
    assert table["PSNR (Y)"].tolist() == [20.0, 24.0, 22.0]
    assert table["feature distance"].tolist() == pytest.approx([0.8, 0.5, 0.3])
    assert table["t"].tolist()[1:] == [50.0, 80.0]
    assert table["NFE"].tolist() == [0, 10, 10]
    assert comparison_table(frame, best_by="psnr_y").set_index("method").loc[BEST, "t"] == 20.0


def test_comparison_says_what_is_interpolated():
    table = comparison_table(pd.DataFrame(rows(values={20.0: [25.0], 80.0: [21.0]}))).set_index("method")
    assert 21.0 < table.loc[INTERPOLATED, "PSNR (Y)"] < 25.0
    assert math.isnan(table.loc[INTERPOLATED, "NFE"])


def test_bad_tables_are_refused():
    frame = pd.DataFrame(rows(values={50.0: [1.0]}))
    with pytest.raises(ToolkitError, match="'t_pred' is missing"):
        optima(frame.drop(columns="t_pred"))
    with pytest.raises(ToolkitError, match="0 rows"):
        optima(frame[frame["method"] == "bicubic"])
    with pytest.raises(ToolkitError, match="unknown"):
        optima(frame.assign(metric="beauty"))
    two = pd.concat([frame, pd.DataFrame(rows(values={60.0: [1.0]}, t_pred=60.0))])
    with pytest.raises(ToolkitError, match="2 predicted timesteps"):
        optima(two)


def test_scale_labels():
    assert scale_label(2.7, 2.7) == "2.7"
    assert scale_label(2, 3.5) == "2 x 3.5"
    assert set(METRICS) >= {"psnr_y", "feature_distance"}
