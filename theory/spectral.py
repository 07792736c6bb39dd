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

from theory.gaussian import Chain
from theory.transfer import BICUBIC, Degradation, added_psd, transfer

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


@dataclass(frozen=True, eq=False)
class SpectralField:
    """R, L and the optimum as functions of the injected SNR, at one scale.

    Attributes
    ----------
    psd : callable
        Radial spectrum S(f) of the HR image.
    scale : (float, float)
        (s_y, s_x), each at least 1.
    sampler : callable
        See `Sampler`.
    weight : float
        w of the optimum.
    eps_realism, eps_signature : float
        Tolerances in (0, 1).
    lowest : float
        Lowest frequency of the image, 1 / size, in cycles per pixel.
    log_snr_range : (float, float)
        Where to search.
    degradation : Degradation
        Blur and noise besides the bicubic kernel.
    """

    psd: Callable[[Array], Array]
    scale: tuple[float, float]
    sampler: Sampler
    weight: float
    eps_realism: float
    eps_signature: float
    lowest: float
    log_snr_range: tuple[float, float]
    degradation: Degradation = BICUBIC
    grid_points: int = 49

    @cached_property
    def _spectrum(self) -> tuple[Array, Array, Array, Array]:
        """Mode weights, S, H and added power at the nodes."""
        fy, fx, weight = frequency_nodes(self.lowest)
        psd = np.asarray(self.psd(np.hypot(fy, fx)), dtype=np.float64)
        gain = transfer(fy, fx, self.scale, self.degradation)
        return weight, psd, gain, added_psd(fy, fx, self.scale, self.psd, self.degradation)

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

    def _sums(self, log_snr: ArrayLike) -> tuple[Array, Array]:
        """Frechet deficit and inherited variance per value, at these log-SNRs."""
        weight, psd, gain, added = self._spectrum
        level = np.ravel(np.asarray(log_snr, dtype=np.float64))
        chain = self.sampler(np.exp(-0.5 * level)[:, None], psd[None])
        deficit = chain.frechet_deficit(gain, psd, added) @ weight
        inherited = chain.inherited(gain, psd, added) @ (weight * psd * self._known)
        return deficit, inherited

    def realism_deficit(self, snr: ArrayLike) -> Array:
        """R at these SNRs, in [0, 1] (more only if the sampler adds power that no image has)."""
        deficit, _ = self._sums(np.log(snr))
        return self._relative(deficit).reshape(np.shape(snr))

    def signature_loss(self, snr: ArrayLike) -> Array:
        """L at these SNRs, in [0, 1]."""
        _, inherited = self._sums(np.log(snr))
        return (1 - inherited / self._normalisers[0]).reshape(np.shape(snr))

    def squared_error(self, snr: ArrayLike) -> Array:
        """Expected squared error per value of the restoration, of images in [-1, 1]."""
        weight, psd, gain, added = self._spectrum
        level = np.ravel(np.asarray(snr, dtype=np.float64))
        chain = self.sampler(level[:, None] ** -0.5, psd[None])
        return np.asarray(chain.squared_error(gain, psd, added) @ weight).reshape(np.shape(snr))

    def _relative(self, deficit: Array) -> Array:
        reference = self._normalisers[2]
        return deficit / reference if reference > 1e-12 * self._normalisers[0] else np.zeros_like(deficit)

    def _objective(self, deficit: Array, inherited: Array) -> Array:
        return 2 * (self._normalisers[1] - inherited) + self.weight * deficit

    @cached_property
    def _scan(self) -> tuple[Array, Array, Array]:
        """Rising log-SNRs with the sums there: where to bracket, before refining."""
        level = np.linspace(*self.log_snr_range, self.grid_points)
        return level, *self._sums(level)

    @cached_property
    def log_snr_low(self) -> float:
        """Largest log-SNR with R <= eps_realism; -inf if there is none, inf if nothing is missing."""
        level, deficit, _ = self._scan
        good = self._relative(deficit) <= self.eps_realism
        if not good.any():
            return -np.inf
        last = int(np.flatnonzero(good)[-1])
        if last == len(level) - 1:
            return np.inf
        return self._root(lambda d, i: self._relative(d) - self.eps_realism, level[last], level[last + 1])

    @cached_property
    def log_snr_high(self) -> float:
        """Smallest log-SNR with L <= eps_signature; inf if there is none."""
        level, _, inherited = self._scan
        good = 1 - inherited / self._normalisers[0] <= self.eps_signature
        if not good.any():
            return np.inf
        first = int(np.flatnonzero(good)[0])
        if first == 0:
            return -np.inf
        total = self._normalisers[0]
        return self._root(lambda d, i: 1 - i / total - self.eps_signature, level[first - 1], level[first])

    @property
    def excess_loss(self) -> float:
        """L at t_low less its tolerance: the field is open where this is not positive (1 where R never is met)."""
        if np.isneginf(self.log_snr_low):
            return 1.0
        level = min(self.log_snr_low, self.log_snr_range[1])
        return float(1 - self._sums(level)[1][0] / self._normalisers[0]) - self.eps_signature

    @cached_property
    def log_snr_opt(self) -> float:
        """Log-SNR that minimises signature loss + w * realism deficit; inf if nothing is missing."""
        from scipy.optimize import minimize_scalar

        level, deficit, inherited = self._scan
        if self.scale == (1.0, 1.0) and self.degradation == BICUBIC:
            return np.inf
        best = int(np.argmin(self._objective(deficit, inherited)))
        bounds = (level[max(best - 1, 0)], level[min(best + 1, len(level) - 1)])
        found = minimize_scalar(
            lambda x: float(self._objective(*self._sums(x))[0]),
            bounds=bounds, method="bounded", options={"xatol": 1e-7},
        )  # fmt: skip
        return float(found.x)

    def _root(self, gap: Callable[[Array, Array], Array], low: float, high: float) -> float:
        from scipy.optimize import brentq

        return float(brentq(lambda x: float(gap(*self._sums(x))[0]), low, high, xtol=1e-10))
