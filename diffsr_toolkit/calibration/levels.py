"""Carry the calibrated constant ``c`` to the other levels of prediction: one number a level, metric and sampler.

The closed form's ``c`` is measured at one scale (`sweep_candidates`). The spectral level's weight and the model-aware
level's excess are then whatever makes each agree with it there, on the mean spectrum; every other scale, image and
schedule is prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from theory.prf import PRF, ModelAware, ModelResponse, Sensitivity, Spectral
from theory.scale import as_scale
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

_RANGE = (1e-2, 1e2)

_SCHEDULE = NoiseSchedule.linear()
"""A prediction needs one, an SNR does not depend on it."""


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
    return solve(lambda weight: _optimum(law, scale, Spectral(weight=weight)), snr, rising=False)


def model_excess(
    law: PowerLaw, scale: float, snr: float, response: ModelResponse, sensitivity: Sensitivity
) -> float | None:
    """Excess charge of the model-aware level whose optimum at `scale` is `snr`."""
    return solve(
        lambda excess: _optimum(law, scale, ModelAware(response, replace(sensitivity, excess=excess))),
        snr,
        rising=True,
    )


def _optimum(law: PowerLaw, scale: float, level: Spectral | ModelAware) -> float:
    """SNR of a level's optimum, which no schedule clips."""
    return float(np.exp(level.field(PRF(_SCHEDULE, law), as_scale(scale)).log_snr_opt))


def level_constants(
    constants: Mapping[str, Mapping[str, Any]],
    law: PowerLaw,
    scale: float,
    response: ModelResponse | None,
    sensitivities: Mapping[str, Sensitivity],
) -> dict[str, dict[str, Any]]:
    """The constants of one sampler with what stands for ``c`` at the other levels added.

    Parameters
    ----------
    constants : mapping
        For each metric what `optimum` found at `scale`.
    law : PowerLaw
        The mean spectrum.
    scale : float
    response : ModelResponse or None
        Of the same sampler, where it was measured.
    sensitivities : mapping
        Of the metrics that take an excess; PSNR takes none.

    Returns
    -------
    dict
        For each metric also ``weight`` and ``excess``, and whether the excess ``agrees``: false where none in `_RANGE`
        makes the model-aware level's optimum that of c, or where the metric takes none: it is then 1, and the optimum
        the level's own. A weight out of `_RANGE` is the one that c stands for on paper.
    """
    power = float(law(0.5 / scale))
    added = {}
    for metric, found in constants.items():
        snr = found["c"] / power
        excess = None
        # A constant at the edge of what was swept fixes nothing.
        if response is not None and metric in sensitivities and not found["at_edge"]:
            excess = model_excess(law, scale, snr, response, sensitivities[metric])
        weight = spectral_weight(law, scale, snr)
        on_paper = Spectral(c=found["c"]).optimum_weight(law)
        added[metric] = {
            **found,
            "weight": float(f"{on_paper:.5g}") if weight is None else round(weight, 5),
            "excess": 1.0 if excess is None else round(excess, 5),
            "agrees": excess is not None,
        }
    return added
