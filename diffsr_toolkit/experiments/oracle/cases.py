"""What the oracle is run on: Gaussian fields, how they are degraded, how they are sampled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diffsr_toolkit.sampling import step_sigmas
from diffsr_toolkit.settings import PAIR, SamplingSettings
from theory.scale import ScalePair
from theory.schedules import NoiseSchedule

Array = NDArray[np.float64]
OperatorName = Literal["ideal", "bicubic", "bicubic_with_borders"]

SCHEDULE = NoiseSchedule.linear()
TIMESTEP = 150.0
PERIODIC_SIDE, BORDER_SIDE = 64, 20
PLAIN = SamplingSettings(consistency=False)


def field_spectrum(f: Array) -> Array:
    """Radial spectrum of the fields: like a photograph's, but flat at the lowest frequencies.

    Below, a few coefficients would hold all the power, and the Monte-Carlo error with it.
    """
    return 2e-4 * (np.asarray(f) ** 2 + 0.06**2) ** -1.25


@dataclass(frozen=True)
class OracleCase:
    """One degradation and one sampler.

    Attributes
    ----------
    operator : {"ideal", "bicubic", "bicubic_with_borders"}
        Periodic 64x64 fields under an ideal low-pass, or under circular bicubic resampling with all its aliasing;
        or 20x20 fields with borders under the toolkit's own ``resize``, restored by ``DiffusionRestorer``.
    lr_shape : (int, int)
        LR size in pixels.
    settings : SamplingSettings
        Consistency and several samples with borders only.
    blur_sigma, noise_std : float
        As of ``theory.Degradation``; periodic bicubic only.
    """

    operator: OperatorName
    lr_shape: tuple[int, int]
    settings: SamplingSettings = PLAIN
    blur_sigma: float = 0.0
    noise_std: float = 0.0

    @property
    def side(self) -> int:
        """Height and width of the HR fields in pixels."""
        return BORDER_SIDE if self.operator == "bicubic_with_borders" else PERIODIC_SIDE

    @property
    def scale(self) -> ScalePair:
        """HR size over LR size."""
        return ScalePair(self.side / self.lr_shape[0], self.side / self.lr_shape[1])

    @property
    def sigmas(self) -> Array:
        """Noise levels of the sampler."""
        return step_sigmas(SCHEDULE, TIMESTEP, self.settings.steps, self.settings.spacing)

    def columns(self) -> dict[str, Any]:
        """The case as a table spells it."""
        settings = self.settings.protocol()
        return {
            "operator": self.operator,
            "lr_shape": "x".join(map(str, self.lr_shape)),
            **{name: settings.pop(name) for name in ("steps", "eta", "spacing")},
            "blur_sigma": self.blur_sigma,
            "noise_std": self.noise_std,
            **{name: settings.pop(name) for name in ("consistency", "samples")},
            **settings,
            "scale_y": self.scale.y,
            "scale_x": self.scale.x,
        }


def _cases() -> list[OracleCase]:
    operators: tuple[OperatorName, OperatorName] = ("ideal", "bicubic")
    found = [OracleCase("ideal", (16, 16)), OracleCase("ideal", (32, 16))]
    found += [OracleCase("bicubic", shape) for shape in ((32, 32), (24, 24), (16, 16), (32, 16), (8, 8))]
    found += [OracleCase("bicubic", (16, 16), blur_sigma=1.0), OracleCase("bicubic", (16, 16), noise_std=0.1)]
    for operator in operators:
        ways = [
            replace(PLAIN, steps=n, eta=eta)
            for n in (1, 3, 10, 50)
            for eta in (0.0, 0.5, 1.0)
            if (n, eta) != (10, 0.0) and (n > 1 or eta == 0)
        ]
        ways += [replace(PLAIN, steps=n, eta=eta, spacing="timestep") for n in (3, 10) for eta in (0.0, 1.0)]
        found += [OracleCase(operator, (16, 16), settings) for settings in ways]
    for shape in ((10, 10), (7, 7), (10, 5)):
        ways = [replace(PLAIN, eta=eta) for eta in (0.0, 1.0)]
        ways += [SamplingSettings(eta=eta) for eta in (0.0, 0.5, 1.0)]
        found += [OracleCase("bicubic_with_borders", shape, settings) for settings in (*ways, PAIR)]
    few = [SamplingSettings(steps=n) for n in (1, 3, 50)]
    return found + [OracleCase("bicubic_with_borders", (7, 7), settings) for settings in few]


CASES = _cases()
