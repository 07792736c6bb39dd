"""Made-up tables of a sweep."""

from __future__ import annotations

import math
from typing import Any

from theory.schedules import NoiseSchedule

LINEAR = NoiseSchedule.linear()


def sweep_rows(
    image: str = "cat",
    scale: float = 2.0,
    metric: str = "psnr_y",
    values: dict[float, list[float]] | None = None,
    t_pred: float = 50.0,
    bicubic: float = 20.0,
    **more: Any,
) -> list[dict[str, Any]]:
    """Bicubic, and Diff-SR at each timestep of `values`, which maps it to its values over seeds; `more` columns."""
    common = {"image": image, "scale_y": scale, "scale_x": scale, "metric": metric, "t_pred": t_pred, **more}
    nothing = {"t": math.nan, "snr": math.nan, "seed": 0, "nfe": 0, "seconds": 0.0}
    rows = [common | nothing | {"method": "bicubic", "value": bicubic}]
    for t, found in (values or {}).items():
        told = {"method": "diffsr", "t": t, "snr": LINEAR.snr(t), "nfe": 10, "seconds": t}
        rows += [common | told | {"seed": seed, "value": value} for seed, value in enumerate(found)]
    return rows
