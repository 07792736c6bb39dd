"""The field from a whole spectrum: true bicubic transfer, aliasing, and the exact Gaussian chain.

Both sums run over every frequency of the HR image, with S_f its spectrum, H_f what down-then-up keeps, and P_f
the expected power of the restoration:

- realism deficit ``R = sum (sqrt S - sqrt P)^2 / sum (sqrt S - sqrt P0)^2``, where P0 is the power of lr_up
  itself: the share of lr_up's Frechet deficit that remains;
- signature loss ``L = 1 - sum S g rho / sum S``, where ``g`` is the share of f that lr_up knows (its squared
  coherence with the original, 1 or 0 for an ideal low-pass) and ``rho`` the share of that which the restoration
  inherits: the variance-weighted share of the original that the restoration no longer carries.

The optimum minimises ``2 sum S g (1 - rho) + w sum (sqrt S - sqrt P)^2``, both in units of squared error. That is
``L + w' R`` with ``w'`` a ratio of the two normalisers: weighing normalised shares instead would tie the optimum
to the size of the image and to the scale, and the law ``snr(t*) = c / S(f_c)`` would not hold.

This is the project's own derivation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.degradation import BICUBIC, Degradation, channel
from theory.gaussian import Chain
from theory.prf.scan import Curves, ScannedField

Array = NDArray[np.float64]
Sampler = Callable[[Array, Array], Chain]
"""Maps noise levels of shape (n, 1) and a spectrum of shape (1, m) to what the sampler does, shape (n, m)."""

_RADII, _ANGLES = 48, 5
"""Quadrature nodes: along log-frequency, and per half quadrant of direction."""


@lru_cache(maxsize=16)
def frequency_nodes(lowest: float) -> tuple[Array, Array, Array]:
    """Nodes and weights that integrate over the square of frequencies from `lowest` out to Nyquist.

    Gauss-Legendre in log-frequency along each direction: a handful of nodes does what a full grid of the image
    would, and smoothly in every parameter.

    Returns
    -------
    fy, fx, weight : ndarray
        Cycles per HR pixel in one quadrant; the weights sum to the area of the square less the disc below
        `lowest`, about 1.
    """
    x, wx = np.polynomial.legendre.leggauss(_ANGLES)
    half = (x + 1) * np.pi / 8
    angle = np.concatenate([half, np.pi / 2 - half])[:, None]
    angle_weight = np.tile(wx * np.pi / 8, 2)[:, None]
    y, wy = np.polynomial.legendre.leggauss(_RADII)
    span = np.log(0.5 / np.maximum(np.cos(angle), np.sin(angle)) / lowest)
    radius = lowest * np.exp((y + 1) / 2 * span)
    weight = 4 * angle_weight * (wy / 2) * span * radius**2
    return (radius * np.sin(angle)).ravel(), (radius * np.cos(angle)).ravel(), weight.ravel()


@dataclass(frozen=True, eq=False, kw_only=True)
class SpectralField(ScannedField):
    """R, L and the optimum as functions of the injected SNR, at one scale.

    Attributes
    ----------
    psd : callable
        Radial spectrum S(f) of the HR image.
    sampler : callable
        See `Sampler`.
    weight : float
        w of the optimum.
    lowest : float
        Lowest frequency of the image, 1 / size, in cycles per pixel.
    degradation : Degradation
        Blur, noise and compression besides the bicubic kernel.
    """

    psd: Callable[[Array], Array]
    sampler: Sampler
    weight: float
    lowest: float
    degradation: Degradation = BICUBIC

    @property
    def nothing_is_missing(self) -> bool:
        """Whether the upsampled image is the original, so that the least noise is best."""
        return self.scale == (1.0, 1.0) and self.degradation == BICUBIC

    @cached_property
    def _spectrum(self) -> tuple[Array, Array, Array, Array]:
        """Mode weights, S, H and added power at the nodes."""
        fy, fx, weight = frequency_nodes(self.lowest)
        psd = np.asarray(self.psd(np.hypot(fy, fx)), dtype=np.float64)
        gain, added = channel(fy, fx, self.scale, self.psd, self.degradation)
        return weight, psd, gain, added

    @cached_property
    def _normalisers(self) -> tuple[float, float, float]:
        """Total variance, known variance, and lr_up's own Frechet deficit, per value."""
        weight, psd, gain, added = self._spectrum
        kept = gain**2 * psd + added
        deficit = (np.sqrt(psd) - np.sqrt(kept)) ** 2
        return float(weight @ psd), float(weight @ (psd * self._known)), float(weight @ deficit)

    @cached_property
    def _known(self) -> Array:
        _, psd, gain, added = self._spectrum
        kept = gain**2 * psd
        return kept / np.maximum(kept + added, np.finfo(np.float64).tiny)

    def curves(self, log_snr: ArrayLike) -> Curves:
        """R, L and ``2 sum S g (1 - rho) + w sum (sqrt S - sqrt P)^2`` at these log-SNRs."""
        weight, psd, gain, added = self._spectrum
        total, known, reference = self._normalisers
        level = np.ravel(np.asarray(log_snr, dtype=np.float64))
        chain = self.sampler(np.exp(-0.5 * level)[:, None], psd[None])
        deficit = chain.frechet_deficit(gain, psd, added) @ weight
        inherited = chain.inherited(gain, psd, added) @ (weight * psd * self._known)
        return Curves(
            realism=deficit / reference if reference > 1e-12 * total else np.zeros_like(deficit),
            signature=1 - inherited / total,
            objective=2 * (known - inherited) + self.weight * deficit,
        )

    def squared_error(self, snr: ArrayLike) -> Array:
        """Expected squared error per value of the restoration, of images in [-1, 1]."""
        weight, psd, gain, added = self._spectrum
        level = np.ravel(np.asarray(snr, dtype=np.float64))
        chain = self.sampler(level[:, None] ** -0.5, psd[None])
        return np.asarray(chain.squared_error(gain, psd, added) @ weight).reshape(np.shape(snr))
