"""Where the reverse process evaluates: from the injected noise level down to none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diffsr_toolkit.errors import TimestepError
from diffsr_toolkit.settings import SamplingSettings, Spacing
from theory.schedules import NoiseSchedule

LEAST_SIGMA = 1e-3
"""Below one 8-bit level: a schedule that reaches sigma = 0 has no last log-SNR."""


def step_sigmas(
    schedule: NoiseSchedule,
    t: float,
    steps: int,
    spacing: Spacing = "log_snr",
    sigma_min: float = LEAST_SIGMA,
) -> NDArray[np.float64]:
    """Noise levels of a reverse process that starts at ``t`` and takes ``steps`` evaluations.

    Parameters
    ----------
    t : float
        Injection timestep, real, on the model's own schedule.
    steps : int
        Number of network evaluations, at least 1.
    spacing : {"log_snr", "timestep"}
        Uniform in log-SNR down to the schedule's least noise, or uniform in ``t``. The first spends
        its steps where fine detail is decided; the second is the habit of DDIM.
    sigma_min : float
        Least level worth an evaluation: a schedule that goes on to less stops here.

    Returns
    -------
    ndarray
        ``steps + 1`` strictly decreasing levels: the first is exactly ``schedule.sigma(t)``, the last is 0;
        fewer where ``t`` is the schedule's first timestep or steps would go below ``sigma_min``.

    Raises
    ------
    TimestepError
        When ``t`` lies outside the schedule, its SNR is 0, or ``steps`` is not a positive integer.
    """
    SamplingSettings(steps=steps, spacing=spacing)
    first = float(schedule.sigma(t))
    if not np.isfinite(first):
        raise TimestepError(f"t={t} has no signal left (SNR 0): choose a smaller t, below {schedule.t_max}")
    if spacing == "timestep":
        timesteps = np.linspace(t, schedule.t_min, steps + 1)[:-1]
        levels = np.maximum(schedule.sigma(timesteps), min(first, sigma_min))
        levels[0] = first
    else:
        last = max(float(schedule.sigma(schedule.t_min)), sigma_min)
        # Where no level lies below, rounding would make several out of one.
        levels = np.geomspace(first, last, steps + 1)[:-1] if first > last * (1 + 1e-9) else np.array([first])
        levels[0] = first
    # At the very start of a schedule no level lies below t: equal levels would be wasted evaluations.
    return np.append(np.unique(levels)[::-1], 0.0)
