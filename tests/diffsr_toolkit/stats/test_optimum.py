"""Where a metric is best, and what the prediction costs beside it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.stats import higher_is_better, optima, wins
from helpers.tables import LINEAR, sweep_rows


def one(**kwargs):
    return optima(pd.DataFrame(sweep_rows(**kwargs))).iloc[0]


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
    half = LINEAR.t_of_sigma(LINEAR.sigma(50.0) / 2)
    assert one(values={half: [3.0], 50.0: [2.0], 90.0: [1.0]})["octaves"] == pytest.approx(1.0)


def test_a_metric_linear_in_log_snr_is_interpolated_exactly():
    grid = [5.0, 20.0, 45.0, 80.0, 130.0]
    found = one(values={t: [LINEAR.log_snr(t)] for t in grid}, t_pred=60.0)
    assert not found["measured"]
    # The table knows log-SNR only at the timesteps measured and interpolates it between them.
    assert found["value_pred"] == pytest.approx(LINEAR.log_snr(60.0), abs=0.02)
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


def test_the_order_of_the_rows_does_not_matter():
    frame = pd.DataFrame(
        [
            row
            for s in (2.0, 4.0)
            for m in ("psnr_y", "ssim")
            for row in sweep_rows("a", s, m, {50.0: [1.0, 2.0], 80.0: [2.0]})
        ]
    )
    pd.testing.assert_frame_equal(optima(frame), optima(frame.sample(frac=1.0, random_state=0)))


def test_baselines_are_told_beside_the_optimum():
    frame = pd.DataFrame(sweep_rows(values={20.0: [25.0], 50.0: [24.0]}))
    back = frame[frame["method"] == "bicubic"].assign(method="back_projection", value=23.0)
    assert optima(pd.concat([frame, back]))["value_back_projection"].tolist() == [23.0]
    assert optima(frame)["value_back_projection"].isna().all()
    assert optima(frame)["value_bicubic"].tolist() == [20.0]


@pytest.mark.parametrize(("metric", "won"), [("psnr_y", 1), ("feature_distance", 2)])
def test_wins_are_counted_in_the_metrics_direction(metric, won):
    frame = pd.DataFrame(
        [
            row
            for image, value in (("a", 21.0), ("b", 19.0), ("c", 18.0), ("d", 20.0))
            for row in sweep_rows(image, metric=metric, values={50.0: [value]})
        ]
    )
    assert [wins(optima(frame), metric, which) for which in ("pred", "best")] == [won, won]


def test_what_cannot_be_judged_is_refused():
    frame = pd.DataFrame(sweep_rows(values={50.0: [1.0]}))
    with pytest.raises(ToolkitError, match="unknown"):
        optima(frame.assign(metric="beauty"))
    with pytest.raises(ToolkitError, match="unknown"):
        higher_is_better("beauty")
    two = pd.concat([frame, pd.DataFrame(sweep_rows(values={60.0: [1.0]}, t_pred=60.0))])
    with pytest.raises(ToolkitError, match="2 predicted timesteps"):
        optima(two)
