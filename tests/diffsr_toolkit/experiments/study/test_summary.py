"""Statements with intervals: means over photographs, rank correlation, paired differences."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.experiments.study import differences, rank_correlation, summarise
from diffsr_toolkit.stats import mean_interval


def cases(**columns: object) -> pd.DataFrame:
    """Four photographs at two scales; the columns that a test does not give."""
    frame = pd.DataFrame(
        {
            "image": list("abcd") * 2,
            "scale_y": [2.0] * 4 + [4.0] * 4,
            "scale_x": [2.0] * 4 + [4.0] * 4,
            "arm": "single",
            "metric": "ssim",
            "method": "way",
            "t_pred": [10.0, 20, 30, 40, 100, 200, 300, 400],
            "t_best": [1.0, 2, 3, 4, 5, 6, 7, 8],
            "abs_dt": 5.0,
            "regret_percent": 1.0,
            "regret_one_seed": 2.0,
            "near": 1.0,
            "beats_bicubic": 1.0,
            "at_edge": False,
        }
    )
    return frame.assign(**columns)


def test_rank_correlation_is_within_scales() -> None:
    assert rank_correlation(cases()) == pytest.approx(1)
    assert rank_correlation(cases(t_best=[4.0, 3, 2, 1, 8, 7, 6, 5])) == pytest.approx(-1)
    assert rank_correlation(cases(t_best=[1.0, 2, 3, 4, 8, 7, 6, 5])) == pytest.approx(0)
    # Larger scales need more noise: that alone is no correlation between photographs.
    assert math.isnan(rank_correlation(cases(t_pred=[10.0] * 4 + [100.0] * 4)))
    assert math.isnan(rank_correlation(cases(t_pred=np.nan)))


def test_rank_correlation_is_spearman_s() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    n = 40
    frame = pd.DataFrame({"scale_y": 2.0, "scale_x": 2.0, "t_pred": rng.normal(size=n) ** 3})
    frame["t_best"] = frame["t_pred"] + rng.normal(size=n)
    assert rank_correlation(frame) == pytest.approx(spearmanr(frame["t_pred"], frame["t_best"])[0])


def test_a_summary_averages_photographs_first() -> None:
    frame = cases(
        regret_percent=[0.0, 1, 2, 3, 4, 5, 6, 7],
        near=[1, 1, 0, 0, 0, 0, 0, 0],
        at_edge=[True] * 3 + [False] * 5,
    )
    row = summarise(frame).iloc[0]
    assert (row["n_images"], row["n_cases"], row["n_edge"]) == (4, 8, 3)
    assert row["regret_percent"] == 3.5 and row["near"] == 0.25
    expected = mean_interval([2.0, 3, 4, 5])
    assert (row["regret_percent_low"], row["regret_percent_high"]) == expected[1:]
    assert row["abs_dt"] == row["abs_dt_low"] == row["abs_dt_high"] == 5
    assert row["regret_one_seed"] == 2
    by_scale = summarise(frame, per_scale=True).set_index("scale_y")
    assert by_scale["regret_percent"].to_dict() == {2.0: 1.5, 4.0: 5.5}


def test_a_way_without_an_answer_has_no_row() -> None:
    both = pd.concat([cases(), cases(method="none", regret_one_seed=np.nan, abs_dt=np.nan, near=np.nan)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert summarise(both)["method"].tolist() == ["way"]


def test_differences_are_paired_by_photograph() -> None:
    # Photographs differ a hundredfold; the two ways differ by exactly one per cent on each.
    hard = np.array([1.0, 10, 100, 1000] * 2)
    both = pd.concat([cases(method="a", regret_percent=hard), cases(method="b", regret_percent=hard + 1)])
    found = differences(both, [("a", "b"), ("b", "a"), ("a", "absent")])
    assert found[["first", "second"]].to_numpy().tolist() == [["a", "b"], ["b", "a"]]
    for name in ("difference", "difference_low", "difference_high"):
        np.testing.assert_allclose(found[name], [-1, 1])
    assert found["ratio"].tolist() == pytest.approx([1115 / 1111, 1111 / 1115])
