"""All bounds of one input at once: of a spectrum, of an image pair, or of an operator on a law of images.

Notation as in `theory.bounds`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.bounds.bounds import (
    edit_bound,
    information_bound,
    kl_bound,
    mmse_bound,
    sdedit_bound,
    tv_coupling_bound,
    w2_bound,
    w2_least,
)
from theory.bounds.record import Bounds
from theory.degradation import BICUBIC, Degradation, channel
from theory.errors import SpectrumError, ToolkitError
from theory.scale import Scale

Array = NDArray[np.float64]
Operator = Callable[[Array], ArrayLike]

SIGMA_END = 2 / 255
"""Noise level at which a reverse process counts as finished: one step of an 8-bit image in [-1, 1]."""


@dataclass(frozen=True, eq=False)
class Mismatch:
    """What a degradation takes from an image, as far as bounds for any data need it.

    Attributes
    ----------
    energies : ndarray of shape (k,)
        ``||x - x~||^2`` of k equally likely images, or the mean alone.
    psd : ndarray of shape (m,)
        Power of x per mode: S_f, or the falling eigenvalues of its covariance.
    degraded : ndarray of shape (m,)
        Power of x~: ``H_f^2 S_f + added_f``, or the falling eigenvalues of its covariance.
    shared : ndarray of shape (m,)
        Squared covariance of x with the mode of x~, ``(H_f S_f)^2``.
    dimension : int
        d, values per image.
    entropy : float
        Of the law of x in nats, infinite unless it is discrete; caps the information.
    """

    energies: Array
    psd: Array
    degraded: Array
    shared: Array
    dimension: int
    entropy: float = np.inf

    @property
    def residual_energy(self) -> float:
        """``E ||x - x~||^2``, summed over the image."""
        return float(np.mean(self.energies))

    @classmethod
    def from_spectrum(
        cls,
        psd: Callable[[Array], Array],
        scale: Scale,
        size: tuple[int, int],
        degradation: Degradation = BICUBIC,
        channels: int = 1,
    ) -> Mismatch:
        """Stationary images of this spectrum, degraded by the bicubic kernel's own transfer function.

        Parameters
        ----------
        psd : callable
            Radial S(f), f in cycles per HR pixel: a `PowerLaw`, a `RadialPSD` or a function.
        scale : float or (float, float)
            HR size over LR size, at least 1.
        size : (int, int)
            HR height and width.
        degradation : Degradation
            Blur before and noise after the downsampling.
        channels : int
            Channels, each of this spectrum.

        Returns
        -------
        Mismatch
            At DC, where a power law is infinite, with the most power that values in [-1, 1] can have there, H W.

        Raises
        ------
        ScaleError
            If the scale is not at least 1.
        SpectrumError
            If the spectrum is not finite and at least 0, or the image has no pixel.
        """
        height, width = size
        if min(height, width, channels) < 1:
            raise SpectrumError(
                f"size = {size} with {channels} channels holds no value; give at least 1 each."
            )
        fy, fx = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
        radius = np.hypot(fy, fx).ravel()
        power = np.full(radius.size, float(height * width))
        power[1:] = psd(radius[1:])
        if not (np.all(np.isfinite(power)) and np.all(power >= 0)):
            raise SpectrumError("the spectrum is negative or not finite at some frequency of the image.")
        gain, added = (values.ravel() for values in channel(fy, fx, scale, psd, degradation))
        energy = channels * float(np.sum((1 - gain) ** 2 * power + added))
        power, gain, added = (np.tile(values, channels) for values in (power, gain, added))
        return cls(np.array([energy]), power, gain**2 * power + added, (gain * power) ** 2, power.size)

    @classmethod
    def from_pair(cls, hr: ArrayLike, lr_up: ArrayLike) -> Mismatch:
        """One image and its degraded version.

        The bounds hold for the law of this pair under a random circular shift (a single image known in advance has
        no mmse). Powers are averaged over rings of frequency and over channels, which only loosens a bound: they
        then hold for every image of that spectrum and that coherence with its degraded version.

        Parameters
        ----------
        hr, lr_up : array_like of shape (H, W) or (C, H, W)
            Values in [-1, 1].

        Returns
        -------
        Mismatch
            With the residual energy of this very pair.

        Raises
        ------
        SpectrumError
            If the shapes differ or are of another kind, or a value is not finite.
        """
        x, y = np.asarray(hr, dtype=np.float64), np.asarray(lr_up, dtype=np.float64)
        if x.shape != y.shape or x.ndim not in (2, 3) or 0 in x.shape:
            raise SpectrumError(
                f"hr {x.shape} and lr_up {y.shape} must be equal shapes, (H, W) or (C, H, W)."
            )
        if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
            raise SpectrumError("hr or lr_up holds nan or inf; replace them first.")
        height, width = x.shape[-2:]
        radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
        ring = np.broadcast_to(np.rint(radius * min(height, width)).astype(np.int64), x.shape).ravel()
        fx, fy = (np.fft.fft2(image, norm="ortho").ravel() for image in (x, y))

        def averaged(values: Array) -> Array:
            total = np.bincount(ring, weights=values) / np.maximum(np.bincount(ring), 1)
            return np.asarray(total[ring], dtype=np.float64)

        # The imaginary part averages to 0: every ring holds f and -f.
        cross = averaged(np.real(fx * np.conj(fy)))
        psd, degraded = averaged(np.abs(fx) ** 2), averaged(np.abs(fy) ** 2)
        return cls(np.array([np.sum((x - y) ** 2)]), psd, degraded, cross**2, x.size)

    @classmethod
    def from_operator(
        cls,
        operator: ArrayLike | Operator,
        *,
        covariance: ArrayLike | None = None,
        mean: ArrayLike | None = None,
        samples: ArrayLike | None = None,
    ) -> Mismatch:
        """Any degradation of a law given by its covariance, or of samples that are then the law.

        Parameters
        ----------
        operator : array_like of shape (d, d), or callable
            P, or a function of a batch (n, d) that returns one. With `samples` it need not be linear (JPEG, say).
        covariance : array_like of shape (d, d), optional
        mean : array_like of shape (d,), optional
            Beside a covariance; 0 by default.
        samples : array_like of shape (n, d), optional
            Equally likely images, values in [-1, 1], flattened. Give these or a covariance.

        Returns
        -------
        Mismatch
            Of samples with each one's residual energy, and with the entropy cap ``log n``.

        Raises
        ------
        SpectrumError
            If not exactly one of `covariance` and `samples` is given, or shapes do not fit.
        """
        if (covariance is None) == (samples is None):
            raise SpectrumError("give either a covariance or samples, not both and not neither.")
        apply = operator if callable(operator) else _product(operator)
        if samples is not None:
            x = np.asarray(samples, dtype=np.float64)
            y = np.asarray(apply(x), dtype=np.float64)
            if x.ndim != 2 or len(x) < 2 or y.shape != x.shape:
                raise SpectrumError(
                    f"samples {x.shape} -> {y.shape}: need at least 2 rows, and equal shapes."
                )
            a, b = x - x.mean(axis=0), y - y.mean(axis=0)
            cov, cov_y, cross = a.T @ a / len(x), b.T @ b / len(x), b.T @ a / len(x)
            return cls._from_covariances(np.sum((x - y) ** 2, axis=1), cov, cov_y, cross, np.log(len(x)))
        cov = np.asarray(covariance, dtype=np.float64)
        d = len(cov) if cov.ndim else 0
        p = np.asarray(apply(np.eye(d)), dtype=np.float64).T
        centre = np.zeros(d) if mean is None else np.asarray(mean, dtype=np.float64)
        if cov.shape != (d, d) or p.shape != (d, d) or centre.shape != (d,):
            raise SpectrumError(
                f"covariance {cov.shape}, operator {p.shape} and mean {centre.shape} do not fit."
            )
        lost = np.eye(d) - p
        energy = np.trace(lost @ cov @ lost.T) + np.sum((lost @ centre) ** 2)
        return cls._from_covariances(np.array([energy]), cov, p @ cov @ p.T, p @ cov, np.inf)

    @classmethod
    def _from_covariances(
        cls, energies: Array, cov: Array, cov_y: Array, cross: Array, entropy: float
    ) -> Mismatch:
        power, modes = np.linalg.eigh(cov_y)
        shared = np.sum((modes.T @ cross) ** 2, axis=1)
        psd = np.maximum(np.linalg.eigvalsh(cov)[::-1], 0.0)
        return cls(energies, psd, np.maximum(power[::-1], 0.0), shared[::-1], len(cov), float(entropy))

    def bounds(self, snr: ArrayLike, score_bound: float | None = None, delta: float = 0.05) -> Bounds:
        """All bounds at these SNRs.

        Parameters
        ----------
        snr : array_like of any shape
            Positive, for example ``schedule.snr(timesteps)``.
        score_bound : float, optional
            C of the two edit bounds. By default ``d / SIGMA_END**2``: the mean squared score of *any* data smoothed
            by noise of level sigma is at most ``d / sigma^2`` (Fisher information is convex), most at the end. It
            stands in for the supremum over all x, which no Gaussian and no discrete prior has.
        delta : float
            The edit bounds hold with probability 1 - delta.

        Returns
        -------
        Bounds

        Raises
        ------
        ToolkitError
            If an SNR is not positive and finite, or a constant is out of range.
        """
        snr = np.asarray(snr, dtype=np.float64)
        if not (np.all(snr > 0) and np.all(np.isfinite(snr))):
            raise ToolkitError("an SNR is not positive and finite; keep t inside the schedule.")
        sigma, energy = snr**-0.5, self.residual_energy
        constant = self.dimension / SIGMA_END**2 if score_bound is None else score_bound
        missing = self.psd - self.shared / (self.degraded + (1 / snr)[..., None])
        return Bounds(
            snr=snr,
            kl=kl_bound(snr, energy),
            tv=np.mean(tv_coupling_bound(snr[..., None], self.energies), axis=-1),
            w2=np.broadcast_to(w2_bound(energy), snr.shape).copy(),
            w2_least=w2_least(snr, self.psd, self.degraded),
            mmse=mmse_bound(snr, self.psd),
            restoration_mmse=np.maximum(np.sum(missing, axis=-1), 0.0),
            information=np.minimum(information_bound(snr, self.psd), self.entropy),
            restoration_information=np.minimum(information_bound(snr, self.degraded), self.entropy),
            sdedit=sdedit_bound(sigma, constant, self.dimension, delta),
            edit=edit_bound(sigma, constant, self.dimension, delta),
        )


def _product(matrix: ArrayLike) -> Operator:
    p = np.asarray(matrix, dtype=np.float64)
    if p.ndim != 2:
        raise SpectrumError(f"operator has shape {p.shape}; give a matrix (d, d) or a callable.")
    return lambda batch: batch @ p.T
