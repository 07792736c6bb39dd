"""The spectrum that the pictures of a domain share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffsr_toolkit.errors import ToolkitError
from theory.spectra import PowerLaw


def mean_law(laws: Sequence[PowerLaw]) -> PowerLaw:
    """Mean power law of several pictures (geometric in amplitude), with its spread between them.

    Raises
    ------
    ToolkitError
        When there are fewer than two, which tell no spread.
    """
    if len(laws) < 2:
        raise ToolkitError(
            f"{len(laws)} picture tells no spread between pictures: give at least 2, better 10 or more"
        )
    log_amplitude = np.log([law.amplitude for law in laws])
    exponent = np.array([law.exponent for law in laws])
    variance = exponent.var(ddof=1)
    # Where level and slope are uncorrelated between the pictures; equal slopes say nothing of it.
    pivot = np.exp(np.cov(log_amplitude, exponent)[0, 1] / variance) if variance > 0 else 1.0
    return PowerLaw(
        amplitude=float(np.exp(log_amplitude.mean())),
        exponent=float(exponent.mean()),
        amplitude_log_std=float(log_amplitude.std(ddof=1)),
        exponent_std=float(exponent.std(ddof=1)),
        pivot=float(pivot),
    )
