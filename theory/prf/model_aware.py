"""The field of a real model: what its sampler was measured to give back, in place of the ideal denoiser.

An ideal denoiser of a Gaussian image regenerates a lost band in full once noise drowns it. A network sharpens edges
(power that agrees with the original), invents texture (power that does not), or hands the blur back. With x the
original's coefficient and x^ the restoration's, both effects of the *whole* reverse process are two numbers a band:

- gain ``K = E Re(x^ x*) / S``: the share of the original that comes back, in place and phase;
- power ``P = E |x^|^2 / S``; its incoherent part ``I = P - K^2`` is what no original asked for.

The error of a band is then ``S ((1 - K)^2 + I)``, exactly. Measured once on reference photographs, K and P turn out to
be functions of two dimensionless numbers, whatever the photograph, the scale and the schedule: where the band lies,
``nu = f / f_c``, and how deep the noise drowns the cut-off, ``r_c = snr S(f_c)``. That universality is an observation
(`theory.prf.ModelResponse.spread` states how well it holds), and it is what carries one measurement to every other
image.

A metric enters by what it was measured to charge per band (`theory.prf.sensitivity`). The field of a model is where
both tolerances hold *and* the expected metric betters that of the upsampled image: it is empty where the model hands
the blur back, or damages more than it adds, at every noise level.

This is the project's own derivation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.degradation import channel
from theory.prf.response import BANDS, ModelResponse
from theory.prf.scan import Curves, ScannedField
from theory.prf.sensitivity import Sensitivity
from theory.prf.spectral import frequency_nodes

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelAwareField(ScannedField):
    """R, L and the expected metric of one model at one scale.

    Attributes
    ----------
    psd : callable
        Radial spectrum S(f) of the HR image.
    scale : (float, float)
        (s_y, s_x), each at least 1.
    response : ModelResponse
    sensitivity : Sensitivity
        What the metric charges.
    lowest : float
        Lowest frequency of the image, 1 / size, in cycles per pixel.
    """

    psd: Callable[[Array], Array]
    response: ModelResponse
    sensitivity: Sensitivity
    lowest: float

    @cached_property
    def cutoff_psd(self) -> float:
        """S(f_c), the mean of the axes'."""
        return float(np.mean(self.psd(0.5 / np.array(self.scale))))

    @cached_property
    def _bands(self) -> tuple[Array, Array, Array]:
        """Per band: variance, charge of a coherent and of an incoherent loss."""
        fy, fx, weight = frequency_nodes(self.lowest)
        f = np.hypot(fy, fx)
        nu = np.hypot(2 * self.scale[0] * fy, 2 * self.scale[1] * fx)
        index = np.clip(np.digitize(nu, BANDS) - 1, 0, len(BANDS) - 2)
        psd = np.asarray(self.psd(f), dtype=np.float64)
        coherent, incoherent = self.sensitivity.charge(f, psd)

        def per_band(density: Array) -> Array:
            total = np.bincount(index, weights=weight * density, minlength=len(BANDS) - 1)
            return np.asarray(total, dtype=np.float64)

        return per_band(psd), per_band(coherent), per_band(incoherent)

    @cached_property
    def _response(self) -> tuple[Array, Array, Array, Array]:
        gain, power, lr_up = self.response.at_scale(float(np.sqrt(np.prod(self.scale))))
        return np.log(self.response.ratios), gain, power, lr_up

    @cached_property
    def _splines(self) -> Callable[[Array], Array]:
        """Natural cubic splines in log r_c: kinks at the measured levels would attract the optimum."""
        from scipy.interpolate import CubicSpline

        log_ratio, gain, power, _ = self._response
        spline: Callable[[Array], Array] = CubicSpline(
            log_ratio, np.stack([gain, power], axis=1), bc_type="natural"
        )
        return spline

    def _at(self, log_snr: ArrayLike) -> tuple[Array, Array]:
        """Gain and power, shape (points, bands), at these log-SNRs: constant beyond what was measured."""
        wanted = np.ravel(np.asarray(log_snr, dtype=np.float64))
        both = self._splines(np.clip(wanted, *self.log_snr_range) + np.log(self.cutoff_psd))
        return both[:, 0], np.maximum(both[:, 1], 0)

    def _expected_metric(self, gain: Array, power: Array) -> Array:
        _, coherent, incoherent = self._bands
        return np.asarray((1 - gain) ** 2 @ coherent + np.maximum(power - gain**2, 0) @ incoherent)

    @cached_property
    def upsampled_metric(self) -> float:
        """The expected metric of the upsampled image itself, whose gain is the kernel's transfer."""
        fy, fx, weight = frequency_nodes(self.lowest)
        psd = np.asarray(self.psd(np.hypot(fy, fx)), dtype=np.float64)
        gain, added = channel(fy, fx, self.scale, self.psd)
        coherent, incoherent = self.sensitivity.charge(np.hypot(fy, fx), psd)
        return float(weight @ ((1 - gain) ** 2 * coherent + added / psd * incoherent))

    def curves(self, log_snr: ArrayLike) -> Curves:
        """R, L and the expected metric at these log-SNRs; L by the correlation K / sqrt(P), as at the other levels."""
        gain, power = self._at(log_snr)
        variance = self._bands[0]
        deficit = (1 - np.sqrt(power)) ** 2 @ variance
        reference = float((1 - np.sqrt(self._response[3])) ** 2 @ variance)
        carried = np.clip(gain / np.sqrt(np.maximum(power, 1e-12)), 0, 1) @ variance
        return Curves(
            realism=deficit / reference if reference > 0 else np.zeros_like(deficit),
            signature=1 - carried / variance.sum(),
            objective=self._expected_metric(gain, power),
        )

    def _margin(self, curves: Curves) -> Array:
        """Positive inside the field: both tolerances are met and the upsampled image is bettered."""
        # Nothing betters an upsampled image that is the original: minus infinity then.
        with np.errstate(over="ignore"):
            better = 1 - curves.objective / max(self.upsampled_metric, np.finfo(np.float64).tiny)
        return np.minimum.reduce(
            [self.eps_realism - curves.realism, self.eps_signature - curves.signature, better]
        )

    @cached_property
    def log_snr_low(self) -> float:
        """Largest log-SNR inside the field; -inf where the field is empty, inf if nothing is missing."""
        if self.nothing_is_missing:
            return np.inf
        level, scanned = self._scan
        inside = np.flatnonzero(self._margin(scanned) >= 0)
        if not len(inside):
            return -np.inf
        last = int(inside[-1])
        return level[-1] if last == len(level) - 1 else self._root(self._margin, level[last], level[last + 1])

    @cached_property
    def log_snr_high(self) -> float:
        """Smallest log-SNR inside the field; inf where the field is empty."""
        level, scanned = self._scan
        inside = np.flatnonzero(self._margin(scanned) >= 0)
        if not len(inside):
            return np.inf
        first = int(inside[0])
        return level[0] if first == 0 else self._root(self._margin, level[first - 1], level[first])

    @property
    def excess_loss(self) -> float:
        """By how much the best noise level misses the field; not positive where the field is open."""
        return -float(self._margin(self._scan[1]).max())

    def squared_error(self, snr: ArrayLike) -> Array:
        """Expected squared error per value of the restoration, of images in [-1, 1]."""
        gain, power = self._at(np.log(snr))
        error = (1 - gain) ** 2 + np.maximum(power - gain**2, 0)
        return (error @ self._bands[0]).reshape(np.shape(snr))
