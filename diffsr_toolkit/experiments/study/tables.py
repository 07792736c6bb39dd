"""The study's tables: which columns they have, where they lie, how they are written and read."""

from __future__ import annotations

import gzip
from os import PathLike
from pathlib import Path

import pandas as pd

from diffsr_toolkit.columns import CASE, KEYS, SCALE, SPECTRUM
from diffsr_toolkit.errors import StoreError, ToolkitError
from diffsr_toolkit.files import write_whole
from diffsr_toolkit.resources import data_path
from theory.scale import ScalePair

COMMAND = "python -m diffsr_toolkit.experiments.study PHOTOS --seeds 0 1 --store DIR --out data/study"
"""What writes the tables."""

RESPONSES = "responses.json"
"""What the arms' own denoisers give back lies beside the tables."""

_TEXT = dict.fromkeys(("arm", "image", "metric", "method", "protocol", "first", "second"), str)
"""Columns that stay text, whatever a photograph is called."""

_JUDGED = ("abs_dt", "regret_percent", "regret_one_seed")
_MEANS = [f"{column}{end}" for column in _JUDGED for end in ("", "_low", "_high")]
_SUMMARY = ["arm", "metric", "method", "n_images", "n_cases", *_MEANS, "near", "beats_bicubic"]
OWN = ("model_aware, pooled", "closed_form, pooled")
"""What the toolkit itself predicts with: the first that answers."""

COLUMNS = {
    "curves": [*KEYS, "protocol", "metric", "t", "value", "value_bicubic"],
    "spectra": [*CASE, *SPECTRUM],
    "cases": [
        *("arm", *CASE, "metric", "method", "t_pred", "t_best", "abs_dt"),
        *("regret_percent", "regret_one_seed", "near", "beats_bicubic", "at_edge", "seeds"),
    ],
    "summary": [*_SUMMARY, "rank_correlation", "n_edge"],
    "per_scale": [*_SUMMARY, *SCALE],
    "differences": [
        *("arm", "metric", "first", "second", "difference", "difference_low", "difference_high", "ratio"),
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
    """Write a table to five significant digits, whole or not at all; equal tables make equal files.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    path = folder / file_name(name)
    content = table.to_csv(index=False, float_format="%.5g", lineterminator="\n").encode()
    write_whole(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


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


def own_method(table: pd.DataFrame, metric: str, arm: str) -> str:
    """The way of choosing that the toolkit uses for this metric and sampler.

    Raises
    ------
    ToolkitError
        When the table holds neither of `OWN`.
    """
    rows = select(table, arm=arm, metric=metric)
    if "t_pred" in rows:
        rows = rows.dropna(subset=["t_pred"])
    for method in OWN[:-1]:
        if (rows["method"] == method).any():
            return method
    return str(select(rows, method=OWN[-1])["method"].iloc[0])


def by_scale(rows: pd.DataFrame) -> list[tuple[ScalePair, pd.DataFrame]]:
    """Rows of each scale: equal factors first, rising."""
    groups = [(ScalePair(float(sy), float(sx)), group) for (sy, sx), group in rows.groupby(SCALE)]
    return sorted(groups, key=lambda found: (found[0].y != found[0].x, found[0]))
