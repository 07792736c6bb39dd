"""The solvable model against this project's own sampler: every prediction beside its measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from diffsr_toolkit.experiments.oracle.borders import border_batch
from diffsr_toolkit.experiments.oracle.cases import CASES, OracleCase
from diffsr_toolkit.experiments.oracle.periodic import periodic_batch
from diffsr_toolkit.experiments.oracle.quantities import Row, imprecision, pooled

if TYPE_CHECKING:
    import pandas as pd

BORDER_FIELDS = 4
"""How many more of the small fields with borders are drawn."""


def compare(
    cases: Sequence[OracleCase] = CASES,
    fields: int = 1024,
    seed: int = 0,
    precision: float = np.inf,
    most_batches: int = 1,
) -> pd.DataFrame:
    """Run the project's sampler with the exact denoiser on Gaussian fields, and compare with the exact theory.

    Parameters
    ----------
    cases : sequence of OracleCase
    fields : int
        Independent fields in a batch of a periodic case, of 64x64 pixels; `BORDER_FIELDS` times as many of 20x20.
    seed : int
        Of the fields and of the sampler's noise; a case's further batches count on from it.
    precision : float
        Standard error, as a share of the prediction, that every quantity of a case is to reach.
    most_batches : int
        Where a case stops all the same.

    Returns
    -------
    DataFrame
        One row a case and quantity (`quantities.rows`): the case, "quantity", "predicted", "measured",
        "standard_error", "relative_difference" = measured / predicted - 1, and "deviation" in standard errors.
    """
    import pandas as pd

    table = []
    for case in cases:
        borders = case.operator == "bicubic_with_borders"
        size = fields * BORDER_FIELDS if borders else fields
        batches: list[list[Row]] = []
        while not batches or (len(batches) < most_batches and imprecision(pooled(batches)) > precision):
            batches.append((border_batch if borders else periodic_batch)(case, size, seed + len(batches)))
        head = case.columns() | {"fields": size * len(batches)}
        table += [head | asdict(row) for row in pooled(batches)]
    frame = pd.DataFrame(table)
    frame["relative_difference"] = frame.measured / frame.predicted - 1
    frame["deviation"] = (frame.measured - frame.predicted) / frame.standard_error
    return frame
