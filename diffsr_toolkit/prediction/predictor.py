"""From a scale, an image and a schedule to the predicted field: the toolkit's side of ``theory``."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.images import Scale, as_scale
from diffsr_toolkit.resources import data_path
from theory.schedules import NoiseSchedule

if TYPE_CHECKING:
    from theory.prf import ModelResponse
    from theory.prf import PRF, Level, Prediction
    from theory.prf import Sensitivity
    from theory.spectra import PowerLaw
    from theory.degradation import Degradation


@cache
def calibration() -> dict[str, Any]:
    """The shipped constants ``c`` per metric and the reference spectrum, with their provenance."""
    return dict(json.loads(data_path("calibration.json").read_text()))


def level_constants(metric: str, samples: int = 1) -> dict[str, Any]:
    """The constants that stand for ``c`` at the other levels: ``weight`` (spectral) and ``excess`` (model-aware).

    Each makes its level agree with the calibrated ``c`` on the reference spectrum at the calibration's scale; where
    ``agrees`` is false the excess does not, and is 1.
    """
    constant(metric, samples)
    return dict(calibration()["levels" if samples == 1 else "levels_averaged"][metric])


@cache
def _measured_sensitivities() -> dict[str, Any]:
    return dict(json.loads(data_path("sensitivity.json").read_text())["metrics"])


def has_sensitivity(metric: str) -> bool:
    """Whether the model-aware level knows what this metric charges."""
    return metric.startswith("psnr") or metric in _measured_sensitivities()


@cache
def sensitivity(metric: str, samples: int = 1) -> Sensitivity:
    """What a metric charges per band, for the model-aware level.

    Raises
    ------
    ToolkitError
        For a metric that was not measured, such as one that looks at the low-resolution image alone.
    """
    from theory.prf import Sensitivity

    if metric.startswith("psnr"):
        return Sensitivity.squared_error(metric)
    measured = _measured_sensitivities()
    if not has_sensitivity(metric):
        known = ", ".join(["psnr_rgb", "psnr_y", *measured])
        raise ToolkitError(f"metric {metric!r} has no measured sensitivity: choose among {known}")
    return Sensitivity.from_dict(
        metric, measured[metric] | {"excess": level_constants(metric, samples)["excess"]}
    )


@cache
def reference_spectrum() -> PowerLaw:
    """Power law of the calibration photographs, for a prediction without an image."""
    from theory.spectra import PowerLaw

    law = calibration()["reference_spectrum"]
    return PowerLaw(**law)


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


def image_spectrum(
    lr: Tensor, scale: tuple[float, float], degradation: Degradation | None = None
) -> PowerLaw:
    """Power law of the high-resolution image, estimated from its low-resolution version alone.

    A known degradation is corrected for. An image too small or too flat for a fit gets the reference photographs'
    spectrum.
    """
    from theory.errors import SpectrumError
    from theory.spectra import fit_spectrum
    from theory.degradation import BICUBIC

    try:
        return fit_spectrum(np.asarray(lr.cpu(), dtype=np.float64), scale, degradation or BICUBIC)
    except SpectrumError:
        return reference_spectrum()


def expected_spectrum(
    lr: Tensor, scale: tuple[float, float], degradation: Degradation | None = None
) -> PowerLaw:
    """The spectrum to predict with: `image_spectrum`, partially pooled with the reference photographs'."""
    return pooled(image_spectrum(lr, scale, degradation))


def pooled(law: PowerLaw) -> PowerLaw:
    """An image's law drawn towards the reference by the calibrated share; see ``theory.PowerLaw.pooled``."""
    # A first calibration, which measures the share, has none yet.
    share = calibration().get("image_share", {"share": 1.0})["share"]
    return law.pooled(reference_spectrum(), float(share))


def told_degradation(lr: Tensor | None, scale: tuple[float, float]) -> tuple[Degradation, PowerLaw, str]:
    """The degradation and the spectrum that an image itself tells, and a sentence that says so.

    Of an image too small or too flat to tell, bicubic and `image_spectrum`.

    Raises
    ------
    ToolkitError
        Without an image.
    """
    from theory.errors import SpectrumError
    from diffsr_toolkit.blind import estimate_degradation
    from theory.degradation import BICUBIC

    if lr is None:
        raise ToolkitError("degradation='auto' is told from an image: give one, or name the degradation")
    try:
        found = estimate_degradation(np.asarray(lr.cpu(), dtype=np.float64), scale)
    except SpectrumError:
        note = "The image is too small or too flat to tell its degradation; bicubic is assumed."
        return BICUBIC, image_spectrum(lr, scale), note
    return found.degradation, found.spectrum, found.explanation


def predict(
    schedule: NoiseSchedule,
    scale: Scale,
    lr: Tensor | None = None,
    *,
    degradation: Degradation | str | None = None,
    level: Level | None = None,
    metric: str = "feature_distance",
    samples: int = 1,
    response: ModelResponse | None = None,
) -> Prediction:
    """Predict t_low, t_opt, t_high and the critical scale; see ``DiffSR.predict``."""
    from theory.degradation import BICUBIC, Degradation

    factors, note = as_scale(scale), ""
    if degradation is None or degradation == "bicubic":
        degradation = BICUBIC
    if degradation == "auto":
        degradation, told, note = told_degradation(lr, factors)
        spectrum = pooled(told)
    elif isinstance(degradation, Degradation):
        spectrum = reference_spectrum() if lr is None else expected_spectrum(lr, factors, degradation)
    else:
        raise ToolkitError(
            f"degradation={degradation!r} is unknown: use 'bicubic', 'auto' or a theory.Degradation(blur_sigma, "
            "noise_std, jpeg_quality)"
        )
    if degradation != BICUBIC:
        # On paper every degradation is an ideal low-pass; only the spectral level knows what else happened.
        level = "spectral"
    prediction = field(
        schedule,
        spectrum,
        metric=metric,
        samples=samples,
        level=level,
        degradation=degradation,
        response=response,
    ).predict(factors)
    return replace(prediction, note=note) if note else prediction


def field(
    schedule: NoiseSchedule,
    spectrum: PowerLaw,
    *,
    metric: str = "feature_distance",
    samples: int = 1,
    level: Level | None = None,
    degradation: Degradation | None = None,
    response: ModelResponse | None = None,
) -> PRF:
    """The calibrated recoverable field of a spectrum on a schedule, for predictions and for its curves.

    Without a level it is the best informed one that answers: "model_aware" where a response is given and the metric's
    sensitivity is known, else "closed_form".
    """
    from theory.prf import PRF
    from theory.degradation import BICUBIC

    if level is None:
        level = "model_aware" if response is not None and has_sensitivity(metric) else "closed_form"
    return PRF(
        schedule,
        spectrum,
        c=constant(metric, samples),
        eps_realism=float(calibration()["eps_realism"]),
        level=level,
        weight=level_constants(metric, samples)["weight"],
        metric=metric,
        degradation=degradation or BICUBIC,
        response=response,
        sensitivity=sensitivity(metric, samples) if level == "model_aware" else None,
    )
