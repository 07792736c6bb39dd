"""Super-resolution with pretrained diffusion models, and the theory of how much noise it needs.

Everything public is imported on first use (PEP 562), so that ``import diffsr_toolkit`` stays instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "PAIR": "pipeline",
    "DiffSR": "pipeline",
    "Result": "pipeline",
    "FeatureDistance": "features",
    "ToolkitError": "errors",
    "inject": "sampler",
    "sample": "sampler",
    "step_sigmas": "sampler",
}

__all__ = [*sorted(_EXPORTS), "__version__"]

if TYPE_CHECKING:
    from diffsr_toolkit.errors import ToolkitError
    from diffsr_toolkit.metrics import FeatureDistance
    from diffsr_toolkit.pipeline import PAIR, DiffSR, Result
    from diffsr_toolkit.sampling import inject, sample, step_sigmas


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
