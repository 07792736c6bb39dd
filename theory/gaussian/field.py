"""The exactly solvable model, whole: a Gaussian image, a linear degradation, a list of steps; everything follows.

The image is stationary and Gaussian, so every frequency is independent; the degradation multiplies frequency f by
H_f and adds power from elsewhere (`theory.degradation`); the sampler multiplies it by a gain and adds noise
(`theory.gaussian`). All that a metric of second moments can say of the restoration is then a sum over frequencies.
Folded frequencies count as independent noise, which is exact for each frequency's own error and power, and for their
sums; `theory.gaussian.linear_model` keeps their correlations too.

This is the project's own derivation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.degradation import BICUBIC, Degradation, channel
from theory.errors import SpectrumError, ToolkitError
from theory.gaussian.chain import Chain, psnr, run_chain
from theory.scale import Scale, as_scale

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GaussianModel:
    """What a sampler with the ideal denoiser makes of a degraded Gaussian image, frequency by frequency.

    Attributes
    ----------
    psd : ndarray of shape (H, W)
        S_f of the original, in ``numpy.fft.fft2``'s order, images in [-1, 1].
    transfer : ndarray of shape (H, W)
        H_f: what lr_up keeps of it.
    added : ndarray of shape (H, W)
        Power of lr_up that is not the original's own f: folded frequencies, LR noise.
    sigmas : array_like of shape (n + 1,)
        Noise levels of the reverse process, falling, ending in 0.
    eta : float
        In [0, 1]: 0 is DDIM, 1 is DDPM.
    samples : int
        How many restorations, with antithetic noise, are averaged.

    Raises
    ------
    SpectrumError
        If the arrays do not share one 2-D shape, or are negative or not finite.
    TimestepError, ToolkitError
        As `run_chain`.
    """

    psd: Array
    transfer: Array
    added: Array
    sigmas: ArrayLike
    eta: float = 0.0
    samples: int = 1

    def __post_init__(self) -> None:
        shapes = {np.shape(self.psd), np.shape(self.transfer), np.shape(self.added)}
        if len(shapes) > 1 or np.ndim(self.psd) != 2:
            raise SpectrumError(
                f"psd, transfer and added have shapes {shapes}; give three arrays of one shape (H, W)."
            )
        for name in ("psd", "added"):
            if not np.all((np.asarray(getattr(self, name)) >= 0) & np.isfinite(getattr(self, name))):
                raise SpectrumError(f"{name} must be finite and at least 0 everywhere; it is a power.")

    @classmethod
    def of(
        cls,
        psd: Callable[[Array], Array],
        shape: tuple[int, int],
        scale: Scale,
        sigmas: ArrayLike,
        eta: float = 0.0,
        degradation: Degradation = BICUBIC,
        samples: int = 1,
    ) -> GaussianModel:
        """The model of a radial spectrum and the toolkit's own degradation.

        Parameters
        ----------
        psd : callable
            Radial spectrum S(f), f in cycles per HR pixel; the mean has the power of the lowest frequency.
        shape : (int, int)
            (H, W) in HR pixels.
        scale : float or (float, float)
            HR size over LR size.
        sigmas, eta, degradation, samples
            As the attributes; blur and noise besides the bicubic kernel.
        """
        fy, fx = (np.fft.fftfreq(n) for n in shape)
        grid_y, grid_x = np.meshgrid(fy, fx, indexing="ij")
        gain, added = channel(
            grid_y, grid_x, as_scale(scale), lambda f: psd(np.maximum(f, 1 / max(shape))), degradation
        )
        return cls(radial_array(psd, shape), gain, added, sigmas, eta, samples)

    @cached_property
    def chain(self) -> Chain:
        """The sampler, averaged over `samples`."""
        return run_chain(self.sigmas, self.psd, self.eta).averaged(self.samples)

    @property
    def gain(self) -> Array:
        """Mean gain of the restoration with respect to the original, ``(H, W)``."""
        return np.asarray(self.chain.gain * self.transfer)

    @property
    def variance(self) -> Array:
        """Power of the restoration that the original's coefficient does not explain, ``(H, W)``."""
        return self.output_power - self.gain**2 * self.psd

    @cached_property
    def output_power(self) -> Array:
        """Expected spectrum of the restoration, ``(H, W)``."""
        return self.chain.output_power(self.transfer, self.psd, self.added)

    @property
    def mse(self) -> float:
        """Expected squared error per value."""
        return float(self.chain.squared_error(self.transfer, self.psd, self.added).mean())

    @property
    def psnr(self) -> float:
        """PSNR in dB of the expected squared error."""
        return float(psnr(self.mse))

    @property
    def frechet(self) -> float:
        """Squared Frechet distance of the restoration's law to the original's, per value."""
        return float(self.chain.frechet_deficit(self.transfer, self.psd, self.added).mean())

    @property
    def regenerated_share(self) -> float:
        """Power of the restoration in the missing band over the original's there; f is missing by ``1 - H_f^2``.

        Raises
        ------
        ToolkitError
            If nothing is missing.
        """
        missing = np.maximum(1 - self.transfer**2, 0)
        total = float((missing * self.psd).sum())
        if total <= 0:
            raise ToolkitError("No frequency is missing (H = 1 everywhere): nothing can be regenerated.")
        return float((missing * self.output_power).sum()) / total

    @property
    def signature_loss(self) -> float:
        """Variance-weighted share of what lr_up knew of the original that the restoration forgot."""
        known = self._known
        inherited = self.chain.inherited(self.transfer, self.psd, self.added)
        return 1 - float((self.psd * known * inherited).sum() / (self.psd * known).sum())

    @property
    def _known(self) -> Array:
        kept = self.transfer**2 * self.psd
        return kept / np.maximum(kept + self.added, np.finfo(np.float64).tiny)


def radial_array(psd: Callable[[Array], Array], shape: tuple[int, int]) -> Array:
    """A radial spectrum at each frequency of a periodic image, ``(H, W)`` in ``numpy.fft.fft2``'s order.

    The mean, where a power law is infinite, has the power of the lowest frequency.
    """
    radius = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None])
    return np.asarray(psd(np.maximum(radius, 1 / max(shape))), dtype=np.float64)


def ideal_low_pass(shape: tuple[int, int], scale: Scale) -> Array:
    """Transfer function ``(H, W)`` that keeps exactly what lies below the cut-off ``1 / (2 s)`` of each axis."""
    inside = [np.abs(np.fft.fftfreq(n)) < 0.5 / s for n, s in zip(shape, as_scale(scale), strict=True)]
    return np.outer(inside[0], inside[1]).astype(np.float64)
