"""How much is measured for a model's card."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diffsr_toolkit.calibration.constants import CANDIDATES
from diffsr_toolkit.calibration.efficiency import NOISE_LEVELS
from diffsr_toolkit.calibration.responses import RATIOS, SCALES
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.settings import PAIR, SamplingSettings
from theory.scale import Scale

SAMPLERS = (
    SamplingSettings(),
    PAIR,
    SamplingSettings(consistency=False),
    SamplingSettings(eta=1.0),
    SamplingSettings(eta=1.0, consistency=False),
    replace(PAIR, eta=0.0),
)
"""Samplers whose response a card holds: one restoration or a pair, DDIM or DDPM, consistent or plain."""


@dataclass(frozen=True, kw_only=True)
class CalibrationPlan:
    """How much is measured for a model's card; the defaults are those of the embedded model.

    Attributes
    ----------
    samplers : tuple of SamplingSettings
        Whose responses are measured.
    calibrated : tuple of SamplingSettings
        Whose constants are measured. The realism that the field demands is what the optimum of the first reaches.
    scale : float or None
        At which constants are measured; None is the largest of 4, 3, 2 and 1.5 at which every picture's low-resolution
        image is large enough for a spectrum.
    scales : tuple of float or (sy, sx)
        At which responses are measured; those at which a picture's low-resolution image is too small for a spectrum
        are left out.
    ratios : tuple of float
        Noise levels of the responses, ``r_c = snr S(f_c)``; those outside the schedule are left out.
    candidates : tuple of float
        Values of c that are swept.
    noise_levels : tuple of float
        Noise levels sigma of the denoising curve; those that the denoiser was not made for are left out.

    Raises
    ------
    ToolkitError
        When there is too little of one to tell anything.
    """

    samplers: tuple[SamplingSettings, ...] = SAMPLERS
    calibrated: tuple[SamplingSettings, ...] = (SamplingSettings(), PAIR)
    scale: float | None = None
    scales: tuple[Scale, ...] = SCALES
    ratios: tuple[float, ...] = RATIOS
    candidates: tuple[float, ...] = CANDIDATES
    noise_levels: tuple[float, ...] = NOISE_LEVELS

    def __post_init__(self) -> None:
        least = {"samplers": 1, "calibrated": 1, "scales": 1, "ratios": 2, "candidates": 3, "noise_levels": 1}
        for name, count in least.items():
            given = getattr(self, name)
            if len(given) < count:
                raise ToolkitError(f"{name}={given!r} holds {len(given)}: a card needs at least {count}")
