"""Theory of the Perceptual Recoverable Field (PRF): how much noise to inject for super-resolution.

The package needs numpy alone until something that uses scipy or sympy is called, and never torch. What it
derives is this project's own; see `theory.prf`, `theory.bounds`, `theory.gaussian` and `theory.symbolic`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from theory.errors import ScaleError, SpectrumError, TimestepError, ToolkitError
    from diffsr_toolkit.blind.estimation import Estimate, estimate_degradation
    from theory.gaussian.field import GaussianModel
    from theory.gaussian.linear_model import LinearModel
    from theory.spectra.lr_spectrum import fit_spectrum
    from theory.bounds.mismatch import Bounds, Mismatch
    from theory.priors.mixture import GaussianMixture
    from theory.prf.model_aware import ModelResponse
    from theory.priors.patch_prior import PatchPrior
    from theory.prf.prf import PRF, Prediction
    from theory.schedules.schedule import NoiseSchedule
    from theory.prf.sensitivity import Sensitivity
    from theory.spectra.spectra import PowerLaw, RadialPSD, fit_power_law, fit_power_law_from_lr, radial_psd
    from theory.degradation.transfer import Degradation

_EXPORTS = {
    "PRF": "prf",
    "Bounds": "mismatch",
    "Degradation": "transfer",
    "Estimate": "estimation",
    "GaussianMixture": "mixture",
    "GaussianModel": "gaussian_field",
    "LinearModel": "linear_model",
    "Mismatch": "mismatch",
    "ModelResponse": "model_aware",
    "NoiseSchedule": "schedule",
    "PatchPrior": "patch_prior",
    "PowerLaw": "spectra",
    "Prediction": "prf",
    "RadialPSD": "spectra",
    "ScaleError": "errors",
    "Sensitivity": "sensitivity",
    "SpectrumError": "errors",
    "TimestepError": "errors",
    "ToolkitError": "errors",
    "estimate_degradation": "estimation",
    "fit_power_law": "spectra",
    "fit_power_law_from_lr": "spectra",
    "fit_spectrum": "lr_spectrum",
    "radial_psd": "spectra",
}

__all__ = [
    "PRF",
    "Bounds",
    "Degradation",
    "Estimate",
    "GaussianMixture",
    "GaussianModel",
    "LinearModel",
    "Mismatch",
    "ModelResponse",
    "NoiseSchedule",
    "PatchPrior",
    "PowerLaw",
    "Prediction",
    "RadialPSD",
    "ScaleError",
    "Sensitivity",
    "SpectrumError",
    "TimestepError",
    "ToolkitError",
    "estimate_degradation",
    "fit_power_law",
    "fit_power_law_from_lr",
    "fit_spectrum",
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
