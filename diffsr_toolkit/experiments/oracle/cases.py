"""What the oracle is run on: Gaussian fields, how they are degraded, how they are sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from diffsr_toolkit.sampling import Spacing, step_sigmas
from theory.schedules import NoiseSchedule

Array = NDArray[np.float64]
Operator = Literal["ideal", "bicubic", "bicubic_with_borders"]

SCHEDULE = NoiseSchedule.linear()
TIMESTEP = 150.0
PERIODIC_SIDE, BORDER_SIDE = 64, 20


def spectrum(f: Array) -> Array:
    """Radial spectrum of the fields: like a photograph's, but flat at the lowest frequencies.

    Below, a few coefficients would hold all the power, and the Monte-Carlo error with it.
    """
    return 2e-4 * (np.asarray(f) ** 2 + 0.06**2) ** -1.25


@dataclass(frozen=True)
class Case:
    """One degradation and one sampler.

    Attributes
    ----------
    operator : {"ideal", "bicubic", "bicubic_with_borders"}
        Periodic 64x64 fields under an ideal low-pass, or under circular bicubic resampling with all its aliasing;
        or 20x20 fields with borders under the toolkit's own ``resize``, restored by ``DiffSR.restore``.
    lr_shape : (int, int)
        LR size in pixels.
    steps, eta, spacing
        As for ``DiffSR.upscale``.
    blur_sigma, noise_std : float
        As of ``theory.Degradation``; periodic bicubic only.
    consistency, samples
        As for ``DiffSR.upscale``; with borders only.
    """

    operator: Operator
    lr_shape: tuple[int, int]
    steps: int = 10
    eta: float = 0.0
    spacing: Spacing = "log_snr"
    blur_sigma: float = 0.0
    noise_std: float = 0.0
    consistency: bool = False
    samples: int = 1

    @property
    def side(self) -> int:
        """Height and width of the HR fields in pixels."""
        return BORDER_SIDE if self.operator == "bicubic_with_borders" else PERIODIC_SIDE

    @property
    def scale(self) -> tuple[float, float]:
        """(s_y, s_x)."""
        return self.side / self.lr_shape[0], self.side / self.lr_shape[1]

    @property
    def sigmas(self) -> Array:
        """Noise levels of the sampler."""
        return step_sigmas(SCHEDULE, TIMESTEP, self.steps, self.spacing)


def _cases() -> list[Case]:
    operators: tuple[Operator, Operator] = ("ideal", "bicubic")
    found = [Case("ideal", (16, 16)), Case("ideal", (32, 16))]
    found += [Case("bicubic", shape) for shape in ((32, 32), (24, 24), (16, 16), (32, 16), (8, 8))]
    found += [Case("bicubic", (16, 16), blur_sigma=1.0), Case("bicubic", (16, 16), noise_std=0.1)]
    for operator in operators:
        found += [
            Case(operator, (16, 16), n, eta)
            for n in (1, 3, 10, 50)
            for eta in (0.0, 0.5, 1.0)
            if (n, eta) != (10, 0.0) and (n > 1 or eta == 0)
        ]
        found += [Case(operator, (16, 16), n, eta, "timestep") for n in (3, 10) for eta in (0.0, 1.0)]
    for shape in ((10, 10), (7, 7), (10, 5)):
        found += [Case("bicubic_with_borders", shape, 10, eta) for eta in (0.0, 1.0)]
        found += [Case("bicubic_with_borders", shape, 10, eta, consistency=True) for eta in (0.0, 0.5, 1.0)]
        found.append(Case("bicubic_with_borders", shape, 5, 1.0, consistency=True, samples=2))
    found += [Case("bicubic_with_borders", (7, 7), n, consistency=True) for n in (1, 3, 50)]
    return found


CASES = _cases()
