"""Denoisers whose prior is known and whose posterior mean is exact: what the theory can be checked against.

- `WienerDenoiser`: a stationary Gaussian image with any spectrum;
- `MixtureDenoiser`: patches from a mixture of Gaussians;
- `PatchDenoiser`: patches from a finite set.

The patch priors leave each patch's mean, per channel, free (an improper flat prior), so its posterior mean is the
observed one. The image is the average of its overlapping patches' posterior means: exact per patch, but not the
posterior mean of one prior over whole images.

References
----------
Zoran and Weiss 2011, "From learning models of natural image patches to whole image restoration", ICCV.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from diffsr_toolkit.errors import ImageError, ModelError, SpectrumError
from diffsr_toolkit.resources import data_path

Array = NDArray[np.float64]
RadialSpectrum = Callable[[Array], Array]
_CHUNK = 8192
_NEGLIGIBLE = 1e-6


class WienerDenoiser:
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


def patch_basis(size: int) -> Tensor:
    """Orthonormal DCT-II of a ``size`` x ``size`` patch without its mean: ``(size^2 - 1, size^2)``, float32."""
    k = np.arange(size)
    dct = math.sqrt(2 / size) * np.cos(np.pi * np.outer(k, k + 0.5) / size)
    dct[0] /= math.sqrt(2)
    return torch.as_tensor(np.kron(dct, dct)[1:], dtype=torch.float32)


def to_coefficients(patches: Tensor) -> Tensor:
    """Patches ``(n, C, p, p)`` as coefficients ``(n, C (p^2 - 1))`` in an orthonormal basis without the means."""
    basis = patch_basis(patches.shape[-1]).to(patches)
    return (patches.flatten(2) @ basis.T).flatten(1)


@dataclass(frozen=True, eq=False)
class PatchMixture:
    """A zero-mean Gaussian mixture over patch coefficients.

    Component k has covariance ``V_k diag(variance_k - floor_k) V_k^T + floor_k I``.

    Attributes
    ----------
    weight : Tensor of shape (K,)
        Probabilities.
    axes : Tensor of shape (K, d, r)
        V: orthonormal columns, the leading principal axes.
    variance : Tensor of shape (K, r)
        Variance along each axis.
    floor : Tensor of shape (K,)
        Variance of the rest of the space.
    """

    weight: Tensor
    axes: Tensor
    variance: Tensor
    floor: Tensor

    def log_joint(self, y: Tensor, sigma: float) -> Tensor:
        """``log p(k) + log N(y; 0, C_k + sigma^2 I)``, ``(n, K)``, of coefficients ``(n, d)``, but for a constant."""
        rest = self.floor + sigma**2
        along = self.variance + sigma**2
        power = torch.einsum("knr,kr->nk", (y @ self.axes).square(), 1 / rest[:, None] - 1 / along)
        missing = y.shape[1] - self.variance.shape[1]
        volume = along.log().sum(1) + missing * rest.log()
        return self.weight.log() - 0.5 * (y.square().sum(1, keepdim=True) / rest - power + volume)

    def posterior_mean(self, y: Tensor, sigma: float) -> Tensor:
        """Exact posterior mean ``(n, d)`` of coefficients observed as ``y = x + sigma * noise``."""
        belief = torch.softmax(self.log_joint(y, sigma), dim=1)
        rest = self.floor / (self.floor + sigma**2)
        along = self.variance / (self.variance + sigma**2) - rest[:, None]
        mean = (belief @ rest)[:, None] * y
        for k in range(len(self.weight)):
            # Below float32's resolution a component changes nothing: most have no say in most patches.
            heard = torch.nonzero(belief[:, k] > _NEGLIGIBLE)[:, 0]
            if len(heard):
                axes = self.axes[k]
                mean[heard] += belief[heard, k, None] * ((along[k] * (y[heard] @ axes)) @ axes.T)
        return mean


@dataclass(frozen=True, eq=False)
class PatchSet:
    """A discrete prior: each of these patches, as coefficients ``(n, d)``, is equally probable."""

    points: Tensor

    def posterior_mean(self, y: Tensor, sigma: float) -> Tensor:
        """Exact posterior mean ``(n, d)`` of coefficients observed as ``y = x + sigma * noise``."""
        score = (y @ self.points.T - 0.5 * self.points.square().sum(1)) / sigma**2
        return torch.softmax(score, dim=1) @ self.points


class _PatchwiseDenoiser:
    """Posterior means of overlapping patches, averaged into an image."""

    channels = 3

    def __init__(self, prior: PatchMixture | PatchSet, size: int, stride: int) -> None:
        if not 1 <= stride <= size:
            raise ModelError(
                f"stride = {stride} must be from 1 to the patch size, {size}, or pixels stay uncovered"
            )
        self.prior, self.size, self.stride = prior, size, stride

    @torch.inference_mode()
    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0`` from ``x`` ``(B, 3, H, W)`` float32 at noise levels ``sigma`` ``(B,)``, above 0.

        Raises
        ------
        ImageError
            If the image is smaller than a patch, or has not 3 channels.
        """
        if x.ndim != 4 or x.shape[1] != self.channels or min(x.shape[-2:]) < self.size:
            raise ImageError(
                f"x has shape {tuple(x.shape)}; give (B, {self.channels}, H, W) with sides of at least {self.size}"
            )
        images = [self._restore(image, float(level)) for image, level in zip(x, sigma, strict=True)]
        return torch.stack(images).to(x)

    def _restore(self, image: Tensor, sigma: float) -> Tensor:
        image = image.float()
        rows, columns = (_positions(n, self.size, self.stride) for n in image.shape[-2:])
        windows = image.unfold(1, self.size, 1).unfold(2, self.size, 1)[:, rows][:, :, columns]
        patches = windows.permute(1, 2, 0, 3, 4).flatten(0, 1)
        basis = patch_basis(self.size).to(image)
        restored = torch.empty_like(patches)
        for part in range(0, len(patches), _CHUNK):
            chunk = patches[part : part + _CHUNK]
            y = to_coefficients(chunk)
            mean = self.prior.posterior_mean(y, sigma).view(len(chunk), self.channels, -1)
            restored[part : part + _CHUNK] = (mean @ basis).view_as(chunk) + chunk.mean(
                (-2, -1), keepdim=True
            )
        grid = restored.view(len(rows), len(columns), *restored.shape[1:]).permute(2, 3, 4, 0, 1)
        total, count = torch.zeros_like(image), torch.zeros_like(image[0])
        for i in range(self.size):
            for j in range(self.size):
                at = (rows[:, None] + i, columns[None] + j)
                total[:, *at] += grid[:, i, j]
                count[at] += 1
        return total / count


def _positions(length: int, size: int, stride: int) -> Tensor:
    """First pixels of the patches along one side: every `stride`, and the last that fits."""
    last = length - size
    return torch.unique(torch.cat([torch.arange(0, last + 1, stride), torch.tensor([last])]))


class MixtureDenoiser(_PatchwiseDenoiser):
    """Patches from a Gaussian mixture (`PatchMixture`): exact posterior mean per patch, averaged over patches.

    Parameters
    ----------
    prior : PatchMixture, optional
        By default the shipped one, fitted by ``python -m diffsr_toolkit.training.patch_mixture``.
    size : int
        Side of the patches the prior is about, in pixels.
    stride : int
        Distance of neighbouring patches: 1 takes every patch, 2 a quarter of them.
    """

    def __init__(self, prior: PatchMixture | None = None, size: int = 8, stride: int = 2) -> None:
        super().__init__(prior or load_mixture(), size, stride)


class PatchDenoiser(_PatchwiseDenoiser):
    """Patches from a finite set (`PatchSet`): exact posterior mean per patch, averaged over patches.

    Parameters
    ----------
    patches : Tensor of shape (n, 3, p, p), optional
        In [-1, 1]; their means are of no account. By default the shipped ones, of training photographs.
    stride : int
        Distance of neighbouring patches: 1 takes every patch, 2 a quarter of them.
    """

    def __init__(self, patches: Tensor | None = None, stride: int = 2) -> None:
        patches = load_patches() if patches is None else patches
        if patches.ndim != 4 or patches.shape[1] != self.channels or patches.shape[2] != patches.shape[3]:
            raise ModelError(f"patches have shape {tuple(patches.shape)}; give (n, {self.channels}, p, p)")
        super().__init__(PatchSet(to_coefficients(patches.float())), patches.shape[-1], stride)


def load_mixture() -> PatchMixture:
    """The shipped mixture over 8x8 colour patches."""
    with np.load(data_path("models", "patch_mixture.npz")) as store:
        arrays = [store[key].astype(np.float32) for key in ("weight", "axes", "variance", "floor")]
    return PatchMixture(*(torch.as_tensor(array) for array in arrays))


def load_patches() -> Tensor:
    """The shipped patches of training photographs, ``(n, 3, 8, 8)`` in [-1, 1]."""
    with np.load(data_path("models", "patch_mixture.npz")) as store:
        return torch.as_tensor(store["patches"].astype(np.float32)) / 127.5 - 1
