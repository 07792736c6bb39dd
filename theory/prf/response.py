"""What a model's sampler was measured to give back, band by band: the two numbers of `theory.prf.model_aware`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.errors import ToolkitError

Array = NDArray[np.float64]

BANDS: Array = np.array([0, 0.25, 0.5, 0.7, 0.85, 1, 1.2, 1.5, 2, 2.8, 4, 8, 64], dtype=np.float64)
"""Edges in nu = f / f_c, finest where a restoration changes most."""


@dataclass(frozen=True, eq=False)
class ModelResponse:
    """Measured gain and power of one model's restorations, for one setting of the sampler.

    Attributes
    ----------
    scales : ndarray of shape (k,)
        Rising scales that were measured.
    ratios : ndarray of shape (n,)
        Rising noise levels ``r_c = snr S(f_c)``.
    gain, power : ndarray of shape (k, n, m)
        K and P per band of `BANDS`; nan where a band or level does not exist.
    lr_up_power : ndarray of shape (k, m)
        P of the upsampled image itself.
    spread : float
        Standard deviation of the gain between the scales at equal nu and r_c, over the missing bands.
    model : str
    sampler : dict
        Settings of the reverse process that was measured: steps, eta, samples, consistency.
    """

    scales: Array
    ratios: Array
    gain: Array
    power: Array
    lr_up_power: Array
    spread: float = 0.0
    model: str = ""
    sampler: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        k, n, m = len(self.scales), len(self.ratios), len(BANDS) - 1
        if self.gain.shape != (k, n, m) or self.power.shape != (k, n, m) or self.lr_up_power.shape != (k, m):
            raise ToolkitError(
                f"a response over {k} scales and {n} ratios needs gain and power of shape {(k, n, m)} and lr_up_power "
                f"of shape {(k, m)}; got {self.gain.shape}, {self.power.shape}, {self.lr_up_power.shape}."
            )
        if k < 1 or n < 2 or np.any(np.diff(self.scales) <= 0) or np.any(np.diff(self.ratios) <= 0):
            raise ToolkitError(
                "a response needs rising scales, and at least 2 rising ratios; measure it again."
            )

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ModelResponse:
        """From what `to_dict` gave, None standing for nan."""
        arrays = {
            name: np.array(stored[name], dtype=np.float64)
            for name in ("scales", "ratios", "gain", "power", "lr_up_power")
        }
        return cls(**arrays, spread=float(stored["spread"]), model=stored["model"], sampler=stored["sampler"])

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for a JSON file, to four decimals."""

        def plain(values: Array) -> Any:
            rounded = np.round(values, 4).astype(object)
            rounded[np.isnan(values)] = None
            return rounded.tolist()

        return {
            "model": self.model,
            "sampler": dict(self.sampler),
            "spread": round(self.spread, 4),
            "scales": self.scales.tolist(),
            "ratios": self.ratios.tolist(),
            "gain": plain(self.gain),
            "power": plain(self.power),
            "lr_up_power": plain(self.lr_up_power),
        }

    def at_scale(self, scale: float) -> tuple[Array, Array, Array]:
        """Gain and power of shape (n, m), and lr_up's power of shape (m,), at one scale.

        Linear in log scale; the ends serve beyond, and a band that no measured image reached takes its neighbour's.
        """
        position = np.interp(np.log(scale), np.log(self.scales), np.arange(len(self.scales)))
        low = int(np.floor(position))
        high = min(low + 1, len(self.scales) - 1)
        share = position - low
        gain, power, lr_up = (
            (1 - share) * values[low] + share * values[high]
            for values in (self._filled_gain, self._filled_power, self._filled_lr_up)
        )
        return gain, power, lr_up

    @cached_property
    def _filled_gain(self) -> Array:
        return np.stack([_fill(plane) for plane in self.gain])

    @cached_property
    def _filled_power(self) -> Array:
        # The incoherent part is what is filled, or a gap could get less power than its coherent share.
        incoherent = np.stack([_fill(plane) for plane in self.power - self.gain**2])
        return np.asarray(self._filled_gain**2 + np.maximum(incoherent, 0))

    @cached_property
    def _filled_lr_up(self) -> Array:
        return _fill(self.lr_up_power)


def _fill(plane: Array) -> Array:
    """Gaps are interpolated, or take the nearest value at the ends, along the rows first, then along the columns."""
    filled = plane.copy()
    for values in (filled, filled.T):
        for line in values:
            known = np.flatnonzero(~np.isnan(line))
            if 0 < len(known) < len(line):
                line[:] = np.interp(np.arange(len(line)), known, line[known])
    return filled
