"""The posterior mean of a stationary Gaussian image, which is linear: what the theory can be checked against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from diffsr_toolkit.errors import ImageError, SpectrumError
from diffsr_toolkit.models.denoiser import AnyDenoiser

Array = NDArray[np.float64]
RadialSpectrum = Callable[[Array], Array]


class WienerDenoiser(AnyDenoiser):
    """Posterior mean of a Gaussian image: each frequency is multiplied by ``S_f / (S_f + sigma^2)``.

    Parameters
    ----------
    psd : callable or array_like of shape (H, W)
        Radial spectrum S(f) of an image in [-1, 1], f in cycles per pixel, such as ``theory.PowerLaw``; the mean
        passes unshrunk. Or S at each frequency in ``numpy.fft.fft2``'s order, for periodic images of exactly this
        size; infinite where a coefficient shall pass unshrunk.
    periodic : bool
        Take the image as one period. Otherwise it is extended by mirroring (half-sample symmetric, the DCT-II's
        extension), so that a photograph's opposite borders are not made neighbours.

    Raises
    ------
    SpectrumError
        If an array is not a spectrum of a real image, or comes without `periodic`.
    """

    def __init__(self, psd: RadialSpectrum | ArrayLike, periodic: bool = False) -> None:
        self.periodic = periodic
        self._radial: RadialSpectrum | None = None
        self._spectra: dict[tuple[int, int], Tensor] = {}
        if callable(psd):
            self._radial = psd
            return
        array = np.asarray(psd, dtype=np.float64)
        if array.ndim != 2 or not periodic:
            raise SpectrumError(
                f"psd is an array of shape {array.shape} with periodic={periodic}: an array of shape (H, W) serves "
                "periodic images of that size only; give a callable S(f) for others"
            )
        mirrored = np.roll(array[::-1, ::-1], 1, axis=(0, 1))
        if not (np.all(array >= 0) and np.allclose(array, mirrored, rtol=1e-6)):
            raise SpectrumError(
                "psd must be at least 0 and symmetric, S(-f) = S(f), as every real image's is"
            )
        self._spectra[array.shape[0], array.shape[1]] = torch.as_tensor(array[:, : array.shape[1] // 2 + 1])

    def _spectrum(self, height: int, width: int) -> Tensor:
        size = (height, width)
        if size not in self._spectra:
            if self._radial is None:
                known = next(iter(self._spectra))
                raise ImageError(f"the image is {size} pixels, its spectrum array {known}: they must agree")
            radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
            radius[0, 0] = 1.0
            psd = np.asarray(self._radial(radius), dtype=np.float64)
            psd[0, 0] = np.inf
            self._spectra[size] = torch.as_tensor(psd)
        return self._spectra[size]

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0`` from ``x`` ``(B, C, H, W)``, float32 or float64, at noise levels ``sigma`` ``(B,)``."""
        height, width = x.shape[-2:]
        if not self.periodic:
            x = torch.cat([x, x.flip(-2)], dim=-2)
            x = torch.cat([x, x.flip(-1)], dim=-1)
        spectrum = self._spectrum(x.shape[-2], x.shape[-1]).to(x.device)
        noise = sigma.to(x.device, torch.float64).view(-1, 1, 1, 1) ** 2
        gain = (1 / (1 + noise / spectrum)).to(x.dtype)
        restored = torch.fft.irfft2(gain * torch.fft.rfft2(x), s=(x.shape[-2], x.shape[-1]))
        return restored[..., :height, :width]
