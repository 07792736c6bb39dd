"""What each metric charges per octave of frequency: measured on the metric once, whatever the model."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.resources import data_path
from theory.prf import Sensitivity


@cache
def _measured() -> dict[str, Any]:
    return dict(json.loads(data_path("sensitivity.json").read_text())["metrics"])


def has_sensitivity(metric: str) -> bool:
    """Whether the model-aware level knows what this metric charges."""
    return metric.startswith("psnr") or metric in _measured()


def sensitivity(metric: str, excess: float) -> Sensitivity:
    """What a metric charges per band, for the model-aware level.

    Parameters
    ----------
    metric : str
    excess : float
        Charge of incoherent power over that of a missing share of equal power; PSNR takes none.

    Raises
    ------
    ToolkitError
        For a metric that was not measured, such as one that looks at the low-resolution image alone.
    """
    if metric.startswith("psnr"):
        return Sensitivity.squared_error(metric)
    if not has_sensitivity(metric):
        known = ", ".join(["psnr_rgb", "psnr_y", *_measured()])
        raise ToolkitError(f"metric {metric!r} has no measured sensitivity: choose among {known}")
    return Sensitivity.from_dict(metric, _measured()[metric] | {"excess": excess})
