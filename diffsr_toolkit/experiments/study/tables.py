"""The study's tables: where they lie, and compact forms of them for a reader."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from diffsr_toolkit.errors import StoreError, ToolkitError
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.experiments.study.arms import ARMS
from diffsr_toolkit.experiments.study.measurements import KEYS, SPECTRUM

COMMAND = "python -m diffsr_toolkit.experiments.study PHOTOS --seeds 0 1 --store DIR --out data/study"
"""What writes the tables."""

_TEXT = dict.fromkeys(("arm", "image", "metric", "method", "protocol", "first", "second"), str)
"""Columns that stay text, whatever a photograph is called."""

_JUDGED = ("abs_dt", "regret_percent", "regret_one_seed")
_MEANS = [f"{column}{end}" for column in _JUDGED for end in ("", "_low", "_high")]
_SUMMARY = ["arm", "metric", "method", "n_images", "n_cases", *_MEANS, "near", "beats_bicubic"]
COLUMNS = {
    "curves": [*KEYS, "protocol", "metric", "t", "value", "value_bicubic"],
    "spectra": ["image", "scale_y", "scale_x", *SPECTRUM],
    "cases": [
        *("arm", "image", "scale_y", "scale_x", "metric", "method", "t_pred", "t_best", "abs_dt"),
        *("regret_percent", "regret_one_seed", "near", "beats_bicubic", "at_edge", "seeds"),
    ],
    "summary": [*_SUMMARY, "rank_correlation", "n_edge"],
    "per_scale": [*_SUMMARY, "scale_y", "scale_x"],
    "differences": [
        "arm",
        "metric",
        "first",
        "second",
        "difference",
        "difference_low",
        "difference_high",
        "ratio",
    ],
}
"""Names of the tables, and what `load` insists on."""


def file_name(name: str) -> str:
    """File of a table: the curves and the cases, which are many, are compressed."""
    return f"{name}.csv.gz" if name in ("curves", "cases") else f"{name}.csv"


def load(name: str, folder: str | PathLike[str] | None = None) -> pd.DataFrame:
    """One table of the study.

    Parameters
    ----------
    name : str
        A key of `COLUMNS`: "curves" and "spectra" were measured, the others follow from them.
    folder : path-like, optional
        Where the study's command wrote it; the shipped tables by default.

    Raises
    ------
    ToolkitError
        When the name is unknown or the table is missing; as StoreError when it cannot be read or lacks a column.
    """
    if name not in COLUMNS:
        raise ToolkitError(f"the study has no table {name!r}: choose among {', '.join(COLUMNS)}")
    try:
        path = data_path("study", file_name(name)) if folder is None else Path(folder) / file_name(name)
    except ToolkitError as error:
        raise ToolkitError(
            f"the study's table data/study/{file_name(name)} is missing: write it with {COMMAND}"
        ) from error
    if not path.exists():
        raise ToolkitError(f"{path} does not exist: write it with {COMMAND}")
    try:
        table = pd.read_csv(path, dtype=_TEXT)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read as a table ({error}): write it again with {COMMAND}"
        ) from error
    return checked(table, name)


def save(name: str, table: pd.DataFrame, folder: Path) -> None:
    """Write a table to five significant digits; equal tables make equal files, and none is left half-written."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(name)
    packing = {"method": "gzip", "mtime": 0} if path.suffix == ".gz" else None
    partial = path.with_name(f"{path.name}.partial")
    table.to_csv(partial, index=False, float_format="%.5g", compression=packing)
    partial.replace(path)


def checked(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table itself, once it has the columns of this name.

    Raises
    ------
    StoreError
        When it lacks one.
    """
    missing = [column for column in COLUMNS[name] if column not in table]
    if missing:
        raise StoreError(
            f"the table {name} lacks the columns {', '.join(missing)}: write it again with {COMMAND}"
        )
    return table


def select(table: pd.DataFrame, **wanted: str) -> pd.DataFrame:
    """Rows in which every named column has its value.

    Raises
    ------
    ToolkitError
        When nothing is left; the message names what the table holds.
    """
    for column, value in wanted.items():
        known = list(dict.fromkeys(table[column]))
        table = table[table[column] == value]
        if table.empty:
            raise ToolkitError(
                f"the table holds no {column} {value!r} here: choose among {', '.join(map(str, known)) or 'none'}"
            )
    return table


def arm_title(arm: str) -> str:
    """An arm for people."""
    return ARMS[arm].title.replace("_", " ") if arm in ARMS else arm


def method_title(method: str) -> str:
    """A way of choosing for people: ``"model_aware, pooled"`` is "model-aware, pooled"."""
    return method.replace("closed_form", "closed form").replace("model_aware", "model-aware")


def headline(summary: pd.DataFrame, metric: str = "feature_distance", arm: str = "single") -> pd.DataFrame:
    """Every way of choosing under one arm and metric, readable; intervals are 95 % over photographs.

    Parameters
    ----------
    summary : DataFrame
        The study's summary table.
    metric, arm : str

    Returns
    -------
    DataFrame
        Of text: method, ``mean |dt|``, ``mean regret %`` on the mean over seeds, the same ``at one seed %``,
        ``within 1 %``, ``beats bicubic``, ``rank correlation``.
    """
    rows = select(checked(summary, "summary"), arm=arm, metric=metric)
    table = _readable(rows)
    table.insert(0, "method", [method_title(method) for method in rows["method"]])
    return table.reset_index(drop=True)


def across_arms(
    summary: pd.DataFrame, metric: str = "feature_distance", method: str = "model_aware, pooled"
) -> pd.DataFrame:
    """One way of choosing under every arm, as in `headline`, with the number of photographs."""
    rows = select(checked(summary, "summary"), metric=metric, method=method)
    table = _readable(rows)
    table.insert(0, "arm", [arm_title(arm) for arm in rows["arm"]])
    table.insert(1, "photographs", rows["n_images"])
    return table.reset_index(drop=True)


def paired(differences: pd.DataFrame, metric: str = "feature_distance", arm: str = "single") -> pd.DataFrame:
    """What one way of choosing gains over another on the same photographs, readable.

    Returns
    -------
    DataFrame
        Of text: first, second, ``regret, first less second [%]`` with its 95 % interval, ``second / first``, and
        which of the two is better where the interval leaves 0 out.
    """
    rows = select(checked(differences, "differences"), arm=arm, metric=metric)
    return pd.DataFrame(
        {
            "first": [method_title(method) for method in rows["first"]],
            "second": [method_title(method) for method in rows["second"]],
            "regret, first less second [%]": _with_interval(rows, "difference", "+.2f"),
            "second / first": [_number(ratio, ".2f") for ratio in rows["ratio"]],
            "better": [
                decided(low, high)
                for low, high in zip(rows["difference_low"], rows["difference_high"], strict=True)
            ],
        }
    )


def decided(low: float, high: float) -> str:
    """Whom an interval of first less second, of something that should be small, favours."""
    return "first" if high < 0 else "second" if low > 0 else "undecided"


def _readable(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "mean |dt|": _with_interval(rows, "abs_dt", ".1f"),
            "mean regret %": _with_interval(rows, "regret_percent", ".2f"),
            "at one seed %": _with_interval(rows, "regret_one_seed", ".2f"),
            "within 1 %": [_number(share, ".0%") for share in rows["near"]],
            "beats bicubic": [_number(share, ".0%") for share in rows["beats_bicubic"]],
            "rank correlation": [_number(r, ".2f") for r in rows["rank_correlation"]],
        },
        index=rows.index,
    )


def _with_interval(rows: pd.DataFrame, column: str, form: str) -> list[str]:
    values = rows[[column, f"{column}_low", f"{column}_high"]].itertuples(index=False, name=None)
    return [
        f"{mean:{form}} [{low:{form}}, {high:{form}}]" if np.isfinite(mean) else "–"
        for mean, low, high in values
    ]


def _number(value: float, form: str) -> str:
    return f"{value:{form}}" if np.isfinite(value) else "–"
