"""A sweep's table: what it must hold, and its curves."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from diffsr_toolkit.columns import SWEEP
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.stats import baseline_value, check_frame, curve, optima, restorations
from helpers.tables import sweep_rows


@pytest.fixture
def frame():
    values = {50.0: [2.0, math.nan], 20.0: [1.0, 3.0]}
    return pd.DataFrame(
        sweep_rows("a", 2.0, values=values, bicubic=7.0)
        + sweep_rows("a", 4.0, values={50.0: [9.0]}, bicubic=8.0)
        + sweep_rows("b", 2.0, metric="ssim", values={50.0: [0.5]}, bicubic=0.4)
    )


def test_a_curve_is_one_case_in_order_without_what_is_missing(frame):
    found = curve(frame, "a", (2.0, 2.0), "psnr_y")
    assert list(zip(found["t"], found["seed"], found["value"], strict=True)) == [
        (20.0, 0, 1.0), (20.0, 1, 3.0), (50.0, 0, 2.0),
    ]  # fmt: skip
    assert curve(frame, "b", (2.0, 2.0), "psnr_y").empty


def test_a_baseline_has_one_value_or_none(frame):
    assert baseline_value(frame, "a", (4.0, 4.0), "psnr_y") == 8.0
    assert baseline_value(frame, "b", (2.0, 2.0), "ssim", "bicubic") == 0.4
    assert math.isnan(baseline_value(frame, "a", (2.0, 2.0), "psnr_y", "back_projection"))


def test_restorations_leave_the_baselines_out(frame):
    assert set(restorations(frame)["method"]) == {"diffsr"} and len(restorations(frame)) == 6


@pytest.mark.parametrize("column", SWEEP)
def test_a_table_that_lacks_a_column_is_refused(frame, column):
    check_frame(frame)
    with pytest.raises(ToolkitError, match=f"'{column}' is missing"):
        check_frame(frame.drop(columns=column))


def test_a_sweep_without_a_restoration_is_refused(frame):
    with pytest.raises(ToolkitError, match="0 rows"):
        optima(frame[frame["method"] == "bicubic"])
