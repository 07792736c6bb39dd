"""The tables of a sweep as finished text, for the terminal and the report alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.stats import (
    SHORT,
    comparison_table,
    higher_is_better,
    optima,
    scale_label,
    summary,
)

_MISSING = "–"


@dataclass(frozen=True)
class TextTable:
    """A table of finished strings: the first ``texts`` columns are left-aligned row headers.

    ``best`` holds the (row, column) positions of the best values of their group, ``first`` the rows that open a group.
    """

    columns: list[str]
    cells: list[list[str]]
    texts: int
    best: frozenset[tuple[int, int]] = frozenset()
    first: frozenset[int] = frozenset()

    def __str__(self) -> str:
        """Aligned plain text."""
        lines = [self.columns, *self.cells]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        aligned = [
            "  ".join(
                c.ljust(w) if i < self.texts else c.rjust(w)
                for i, (c, w) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        ]
        return "\n".join(
            [aligned[0].rstrip(), "-" * len(aligned[0]), *(line.rstrip() for line in aligned[1:])]
        )


def digits_of(metric: str) -> int:
    """Decimals that a metric is shown with."""
    return 2 if METRICS[metric].unit == "dB" else 4


def number(value: float, digits: int) -> str:
    """A value with so many decimals; a dash for nan."""
    return f"{value:.{digits}f}" if math.isfinite(value) else _MISSING if math.isnan(value) else "∞"


def timestep(value: float) -> str:
    """A timestep with one decimal."""
    return number(value, 1)


def comparison_text(frame: pd.DataFrame) -> TextTable:
    """``stats.comparison_table`` formatted, the best of each metric marked."""
    table = comparison_table(frame)
    metrics = {SHORT.get(name, name): name for name in METRICS}
    keep = ["image", "scale", "method", *[c for c in table.columns if c not in ("image", "scale", "method")]]
    table = table[keep]
    groups = (table["image"] + "\n" + table["scale"]).to_numpy()
    cells: list[list[str]] = []
    for _, row in table.iterrows():
        line = []
        for column, value in row.items():
            name = str(column)
            if name in metrics:
                line.append(number(value, digits_of(metrics[name])))
            elif name == "t":
                line.append(timestep(value))
            elif name in ("NFE", "seconds"):
                line.append(number(value, 0 if name == "NFE" else 2))
            else:
                line.append(str(value))
        cells.append(line)
    best = set()
    for column, name in enumerate(table.columns):
        if name in metrics:
            order = table[name] if higher_is_better(metrics[name]) else -table[name]
            top = order.groupby(groups).transform("max")
            best |= {(row, column) for row in range(len(table)) if order.iloc[row] == top.iloc[row]}
    first = {row for row in range(len(table)) if row == 0 or groups[row] != groups[row - 1]}
    return TextTable(list(table.columns), cells, 3, frozenset(best), frozenset(first))


def summary_text(frame: pd.DataFrame, *, per_scale: bool = True) -> TextTable:
    """``stats.summary`` formatted, with its intervals and counts."""
    table = summary(frame, per_scale=per_scale)
    cells = []
    for _, row in table.iterrows():
        unit = METRICS[row["metric"]].unit
        digits = 3 if unit == "dB" else 4
        cells.append(
            [
                SHORT.get(row["metric"], row["metric"]) + ("" if unit == "1" else f" [{unit}]"),
                *([scale_label(row["scale_y"], row["scale_x"])] if per_scale else []),
                _with_interval(row, "abs_dt", 1),
                _with_interval(row, "regret", digits),
                number(row["regret_percent"], 2),
                f"{row['wins_pred']} of {row['n_cases']}",
                f"{row['wins_best']} of {row['n_cases']}",
                f"{row['n_edge']} of {row['n_cases']}",
                str(row["n_images"]),
                str(row["n_seeds"]),
            ]
        )
    columns = [
        "metric", *(["scale"] if per_scale else []), "mean |Δt|", "mean regret", "regret %",
        "wins", "at best t", "at edge", "images", "seeds",
    ]  # fmt: skip
    first = {i for i in range(len(cells)) if i == 0 or cells[i][0] != cells[i - 1][0]}
    return TextTable(columns, cells, 2 if per_scale else 1, first=frozenset(first))


def _with_interval(row: pd.Series, name: str, digits: int) -> str:
    text = number(row[name], digits)
    if math.isnan(row[f"{name}_low"]):
        return text
    return f"{text} [{number(row[f'{name}_low'], digits)}, {number(row[f'{name}_high'], digits)}]"


def optima_text(frame: pd.DataFrame) -> TextTable:
    """``stats.optima`` formatted; an optimum at the end of the timesteps measured is said."""
    cells = []
    for _, row in optima(frame).iterrows():
        digits = digits_of(row["metric"])
        cells.append(
            [
                row["image"],
                scale_label(row["scale_y"], row["scale_x"]),
                SHORT.get(row["metric"], row["metric"]),
                timestep(row["t_pred"]),
                timestep(row["t_best"]) + (" (edge)" if row["at_edge"] else ""),
                timestep(row["abs_dt"]),
                number(row["value_bicubic"], digits),
                number(row["value_pred"], digits) + ("" if row["measured"] else " (interpolated)"),
                number(row["value_best"], digits),
                number(row["regret"], digits + 1),
                number(row["regret_percent"], 2),
                str(row["n_seeds"]),
            ]
        )
    columns = [
        "image", "scale", "metric", "predicted t", "best t", "|Δt|", "bicubic", "at predicted t", "at best t",
        "regret", "regret %", "seeds",
    ]  # fmt: skip
    first = {i for i in range(len(cells)) if i == 0 or cells[i][:2] != cells[i - 1][:2]}
    return TextTable(columns, cells, 3, first=frozenset(first))
