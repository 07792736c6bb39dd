"""Denoisers from a prior over patches.

- `MixtureDenoiser`: patches from a mixture of Gaussians;
- `PatchDenoiser`: patches from a finite set.

The image is the average of its overlapping patches' posterior means: exact per patch, but not the posterior mean of
one prior over whole images.

References
----------
Zoran and Weiss 2011, "From learning models of natural image patches to whole image restoration", ICCV.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diffsr_toolkit.errors import ImageError, ModelError
from diffsr_toolkit.models.denoiser import AnyDenoiser
from diffsr_toolkit.models.patch_priors import (
    PatchMixture,
    PatchSet,
    load_mixture,
    load_patches,
    patch_basis,
    to_coefficients,
)

_CHUNK = 8192


class _PatchwiseDenoiser(AnyDenoiser):
    """Posterior means of overlapping patches, averaged into an image."""

    channels = 3

    def __init__(self, prior: PatchMixture | PatchSet, size: int, stride: int) -> None:
        if not 1 <= stride <= size:
            raise ModelError(
                f"stride = {stride} must be from 1 to the patch size, {size}, or pixels stay uncovered"
            )
        self.prior, self.size, self.distance = prior, size, stride

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
        rows, columns = (_positions(n, self.size, self.distance) for n in image.shape[-2:])
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
        By default the shipped one, fitted by ``python -m diffsr_toolkit.training patches``.
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
