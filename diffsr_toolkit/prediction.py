"""From a scale, an image and a schedule to the predicted field: the toolkit's side of ``theory``."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.resize import Scale, as_scale
from diffsr_toolkit.resources import data_path
from theory.schedule import NoiseSchedule

if TYPE_CHECKING:
    from theory.prf import PRF, Level, Prediction
    from theory.spectra import PowerLaw
    from theory.transfer import Degradation


@cache
def calibration() -> dict[str, Any]:
    """The shipped constants ``c`` per metric and the reference spectrum, with their provenance."""
    return dict(json.loads(data_path("calibration.json").read_text()))


@cache
def reference_spectrum() -> PowerLaw:
    """Power law of the calibration photographs, for a prediction without an image."""
    from theory.spectra import PowerLaw

    law = calibration()["reference_spectrum"]
    return PowerLaw(law["amplitude"], law["exponent"], law["amplitude_log_std"], law["exponent_std"])


def constant(metric: str, samples: int = 1) -> float:
    """The calibrated constant ``c`` of ``snr(t_opt) = c / S(f_c)`` for a metric.

    A mean of several restorations has a constant of its own: averaging trades texture for fidelity, which
    is another weight ``w`` between realism and signature.

    Raises
    ------
    ToolkitError
        When the metric was not calibrated.
    """
    known = calibration()["metrics" if samples == 1 else "metrics_averaged"]
    if metric not in known:
        raise ToolkitError(f"metric {metric!r} has no calibrated constant: choose among {', '.join(known)}")
    return float(known[metric]["c"])


def image_spectrum(lr: Tensor, scale: tuple[float, float]) -> PowerLaw:
    """Power law of the high-resolution image, estimated from its low-resolution version alone.

    An image too small or too flat for a fit gets the reference photographs' spectrum.
    """
    from theory.errors import SpectrumError
    from theory.spectra import fit_power_law_from_lr

    try:
        return fit_power_law_from_lr(np.asarray(lr.cpu(), dtype=np.float64), scale)
    except SpectrumError:
        return reference_spectrum()


def predict(
    schedule: NoiseSchedule,
    scale: Scale,
    lr: Tensor | None = None,
    *,
    degradation: Degradation | str | None = None,
    level: Level = "closed_form",
    metric: str = "feature_distance",
    samples: int = 1,
) -> Prediction:
    """Predict t_low, t_opt, t_high and the critical scale; see ``DiffSR.predict``."""
    from theory.transfer import BICUBIC, Degradation

    if degradation is None or degradation == "bicubic":
        degradation = BICUBIC
    if not isinstance(degradation, Degradation):
        raise ToolkitError(
            f"degradation={degradation!r} is unknown: use 'bicubic' or a theory.Degradation(blur_sigma, noise_std)"
        )
    if degradation != BICUBIC:
        # On paper every degradation is an ideal low-pass; only the spectral level knows blur and noise.
        level = "spectral"
    factors = as_scale(scale)
    spectrum = reference_spectrum() if lr is None else image_spectrum(lr, factors)
    return field(
        schedule, spectrum, metric=metric, samples=samples, level=level, degradation=degradation
    ).predict(factors)


def field(
    schedule: NoiseSchedule,
    spectrum: PowerLaw,
    *,
    metric: str = "feature_distance",
    samples: int = 1,
    level: Level = "closed_form",
    degradation: Degradation | None = None,
) -> PRF:
    """The calibrated recoverable field of a spectrum on a schedule, for predictions and for its curves."""
    from theory.prf import PRF
    from theory.transfer import BICUBIC

    return PRF(
        schedule,
        spectrum,
        c=constant(metric, samples),
        eps_realism=float(calibration()["eps_realism"]),
        level=level,
        metric=metric,
        degradation=degradation or BICUBIC,
    )
