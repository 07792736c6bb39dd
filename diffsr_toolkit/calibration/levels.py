"""Carry the calibrated constant ``c`` to the other levels of prediction: one number a level, metric and sampler.

The closed form's ``c`` is measured at one scale (`diffsr_toolkit.training.calibrate`). The spectral level's weight
and the model-aware level's excess are then whatever makes each agree with it there, on the reference spectrum; every
other scale, image and schedule is prediction.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from diffsr_toolkit.calibration.responses import matching_response, stored_responses
from theory.errors import ToolkitError
from theory.prf import PRF, ModelAware, ModelResponse, Sensitivity, Spectral
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

_RANGE = (1e-2, 1e2)


def solve(snr_of: Callable[[float], float], snr: float, rising: bool) -> float | None:
    """The constant at which ``snr_of`` gives `snr`, to 0.1 %; None where none within `_RANGE` does.

    ``snr_of`` is monotone but may jump, so it is bisected; a jump over `snr` counts as giving it.
    """
    ends = sorted(snr_of(end) for end in _RANGE)
    if not ends[0] <= snr <= ends[1]:
        return None
    low, high = np.log(_RANGE)
    for _ in range(20):
        middle = 0.5 * (low + high)
        if (snr_of(float(np.exp(middle))) < snr) == rising:
            low = middle
        else:
            high = middle
    return float(np.exp(0.5 * (low + high)))


def spectral_weight(law: PowerLaw, scale: float, snr: float) -> float | None:
    """Weight w of the spectral level whose optimum at `scale` is `snr`."""
    # The exponential schedule's ends are wide and do not clip.
    schedule = NoiseSchedule.exponential(sigma_min=1e-5, sigma_max=1e4)

    def snr_of(weight: float) -> float:
        return PRF(schedule, law, Spectral(weight=weight)).predict(scale).snr_opt

    return solve(snr_of, snr, rising=False)


def model_excess(
    law: PowerLaw, scale: float, snr: float, response: ModelResponse, charges: dict[str, Any], metric: str
) -> float | None:
    """Excess charge of the model-aware level whose optimum at `scale` is `snr`."""
    schedule = NoiseSchedule.exponential(sigma_min=1e-5, sigma_max=1e4)

    def snr_of(excess: float) -> float:
        metric_charge = Sensitivity.from_dict(metric, charges | {"excess": excess})
        return PRF(schedule, law, ModelAware(response, metric_charge)).predict(scale).snr_opt

    return solve(snr_of, snr, rising=True)


def level_constants(
    calibration: dict[str, Any], sensitivity: dict[str, Any], responses: tuple[ModelResponse, ...]
) -> dict[str, Any]:
    """The calibration with ``levels`` and ``levels_averaged`` added; a level that cannot agree with c is told so.

    ``agrees`` is false where no excess in `_RANGE` makes the model-aware level's optimum that of c, or the metric takes
    none, as PSNR: the excess is then 1, and the optimum the level's own.
    """
    reference = calibration["reference_spectrum"]
    law = PowerLaw(reference["amplitude"], reference["exponent"])
    scale = float(calibration["provenance"]["scale"])
    power = float(law(0.5 / scale))
    added: dict[str, dict[str, Any]] = {}
    for key, source, samples in (("levels", "metrics", 1), ("levels_averaged", "metrics_averaged", 2)):
        response = matching_response(responses, samples)
        added[key] = {}
        for metric, found in calibration[source].items():
            snr = found["c"] / power
            excess = None
            # A constant at the edge of what was swept fixes nothing.
            if metric in sensitivity["metrics"] and not found["at_edge"]:
                excess = model_excess(law, scale, snr, response, sensitivity["metrics"][metric], metric)
            weight = spectral_weight(law, scale, snr)
            if weight is None:
                raise ToolkitError(
                    f"no weight in {_RANGE} gives the spectral level the optimum of {metric}, snr = {snr:.4g}: "
                    "calibrate on more photographs"
                )
            added[key][metric] = {
                "weight": round(weight, 5),
                "excess": 1.0 if excess is None else round(excess, 5),
                "agrees": excess is not None,
            }
    return calibration | added


def main() -> None:
    """Complete a calibration file from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calibration", type=Path, help="calibration.json, completed in place")
    parser.add_argument("--sensitivity", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="model folder with its response.json")
    args = parser.parse_args()
    calibration, sensitivity = (json.loads(path.read_text()) for path in (args.calibration, args.sensitivity))
    found = level_constants(calibration, sensitivity, stored_responses(args.model))
    args.calibration.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
