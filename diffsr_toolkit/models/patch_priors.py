"""Priors over the patches of an image whose posterior mean is exact: a Gaussian mixture, and a finite set.

They leave each patch's mean, per channel, free (an improper flat prior), so its posterior mean is the observed one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from diffsr_toolkit.resources import data_path

_NEGLIGIBLE = 1e-6


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


def load_mixture() -> PatchMixture:
    """The shipped mixture over 8x8 colour patches."""
    with np.load(data_path("models", "patch_mixture.npz")) as store:
        arrays = [store[key].astype(np.float32) for key in ("weight", "axes", "variance", "floor")]
    return PatchMixture(*(torch.as_tensor(array) for array in arrays))


def load_patches() -> Tensor:
    """The shipped patches of training photographs, ``(n, 3, 8, 8)`` in [-1, 1]."""
    with np.load(data_path("models", "patch_mixture.npz")) as store:
        return torch.as_tensor(store["patches"].astype(np.float32)) / 127.5 - 1
