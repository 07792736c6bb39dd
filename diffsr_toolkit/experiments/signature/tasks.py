"""The points of the measured curves: how a picture is restored, at which scale, from which timestep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from diffsr_toolkit.settings import SamplingSettings

SCALES = (1.5, 2.0, 2.7, 4.0, 7.0)
TIMESTEPS = (0.0, 150.0, 350.0, 450.0, 540.0, 620.0, 700.0, 780.0, 860.0, 999.0)

WAYS = {
    "plain": SamplingSettings(consistency=False),
    "plain_ancestral": SamplingSettings(consistency=False, eta=1.0),
    "consistent": SamplingSettings(),
    "consistent_ancestral": SamplingSettings(eta=1.0),
}
"""How pictures are restored, by the names that the command takes."""

ONE_STEP = SamplingSettings(consistency=False, steps=1)
"""The denoiser's own estimate."""


@dataclass(frozen=True)
class SignatureTask:
    """One point of a curve.

    Attributes
    ----------
    settings : SamplingSettings
    scale : float
    t : float or None
        None for bicubic enlargement, without any model.
    """

    settings: SamplingSettings
    scale: float
    t: float | None

    @property
    def key(self) -> dict[str, Any]:
        """What identifies the task in a store."""
        return {**self.settings.protocol(), "scale": self.scale, "t": self.t}


def signature_tasks(
    ways: Sequence[SamplingSettings] = tuple(WAYS.values()),
    scales: Sequence[float] = SCALES,
    timesteps: Sequence[float] = TIMESTEPS,
) -> Iterator[SignatureTask]:
    """All points: each way of restoring at each scale, bicubic, and the reference at scale 1.

    At scale 1 the injected state is the noised *original*: nothing but the noise can take the class away. Both the
    reverse process and the denoiser's single estimate start from it there; with consistency it would be trivial.
    """
    plain = WAYS["plain"]
    for scale in scales:
        yield SignatureTask(plain, scale, None)
    if plain in ways:
        yield from (SignatureTask(ONE_STEP, 1.0, t) for t in timesteps)
    for settings in ways:
        for scale in scales if settings.consistency else (1.0, *scales):
            yield from (SignatureTask(settings, scale, t) for t in timesteps)
