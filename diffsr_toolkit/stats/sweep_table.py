"""A sweep's long table: what it must hold, and the single curves in it."""

from __future__ import annotations

import math

import pandas as pd

from diffsr_toolkit.columns import DIFFSR, SWEEP
from diffsr_toolkit.errors import ToolkitError


def check_frame(frame: pd.DataFrame) -> None:
    """Refuse a table that is no sweep, or a sweep without one restoration.

    Raises
    ------
    ToolkitError
        Naming what is missing.
    """
    missing = sorted(set(SWEEP) - set(frame.columns))
    if missing:
        raise ToolkitError(f"column {missing[0]!r} is missing: give the table that DiffSR.sweep returns")
    if restorations(frame).empty:
        raise ToolkitError("0 rows have method 'diffsr': let the sweep finish at least one restoration")


def restorations(frame: pd.DataFrame) -> pd.DataFrame:
    """Diff-SR's rows of a sweep, without the baselines'."""
    return frame[frame["method"] == DIFFSR]


def curve(frame: pd.DataFrame, image: str, scale: tuple[float, float], metric: str) -> pd.DataFrame:
    """Diff-SR's rows of one image, scale and metric that hold a number, by ascending ``t`` and seed."""
    rows = restorations(_case(frame, image, scale, metric))
    return rows.dropna(subset=["value"]).sort_values(["t", "seed"])


def baseline_value(
    frame: pd.DataFrame, image: str, scale: tuple[float, float], metric: str, method: str = "bicubic"
) -> float:
    """The value of a baseline (a key of ``BASELINE_LABELS``), nan when it was not measured."""
    rows = _case(frame, image, scale, metric)
    values = rows.loc[rows["method"] == method, "value"]
    return float(values.iloc[0]) if len(values) else math.nan


def _case(frame: pd.DataFrame, image: str, scale: tuple[float, float], metric: str) -> pd.DataFrame:
    return frame[
        (frame["image"] == image)
        & (frame["scale_y"] == scale[0])
        & (frame["scale_x"] == scale[1])
        & (frame["metric"] == metric)
    ]
