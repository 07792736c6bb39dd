"""Theory of the Perceptual Recoverable Field (PRF): how much noise to inject for super-resolution.

The package needs numpy alone until something that uses scipy or sympy is called, and never torch. What it
derives is this project's own; see `theory.prf`, `theory.bounds`, `theory.gaussian` and `theory.symbolic`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from theory.errors import ScaleError, SpectrumError, TimestepError, ToolkitError
    from theory.model_aware import ModelResponse
    from theory.prf import PRF, Prediction
    from theory.schedule import NoiseSchedule
    from theory.sensitivity import Sensitivity
    from theory.spectra import PowerLaw, RadialPSD, fit_power_law, fit_power_law_from_lr, radial_psd
    from theory.transfer import Degradation

_EXPORTS = {
    "ScaleError": "errors",
    "SpectrumError": "errors",
    "TimestepError": "errors",
    "ToolkitError": "errors",
    "ModelResponse": "model_aware",
    "PRF": "prf",
    "Prediction": "prf",
    "NoiseSchedule": "schedule",
    "PowerLaw": "spectra",
    "RadialPSD": "spectra",
    "Sensitivity": "sensitivity",
    "fit_power_law": "spectra",
    "fit_power_law_from_lr": "spectra",
    "radial_psd": "spectra",
    "Degradation": "transfer",
}

__all__ = [
    "PRF",
    "Degradation",
    "ModelResponse",
    "NoiseSchedule",
    "PowerLaw",
    "Prediction",
    "RadialPSD",
    "ScaleError",
    "Sensitivity",
    "SpectrumError",
    "TimestepError",
    "ToolkitError",
    "fit_power_law",
    "fit_power_law_from_lr",
    "radial_psd",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'theory' has no attribute {name!r}")
    value = getattr(import_module(f"theory.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
