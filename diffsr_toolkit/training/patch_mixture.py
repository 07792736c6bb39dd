"""Fit the Gaussian mixture over image patches that `MixtureDenoiser` takes as its prior."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.models import PatchMixture, to_coefficients

QUANTISATION = (1 / 127.5) ** 2 / 12
"""Variance of the rounding to 8 bits: no direction of a photograph has less."""

_CHUNK = 8192


def draw_patches(tiles: NDArray[np.uint8], count: int, size: int = 8, seed: int = 0) -> NDArray[np.uint8]:
    """Patches at random places of random tiles, ``(count, 3, size, size)``.

    Parameters
    ----------
    tiles : ndarray of shape (N, H, W, 3)
        8-bit tiles, as `prepare_photographs` writes them; may be memory-mapped.
    count : int
        Number of patches.
    size : int
        Their side in pixels.
    seed : int
        Of the places.

    Raises
    ------
    ImageError
        If `tiles` has another shape or is smaller than a patch.
    """
    if tiles.ndim != 4 or tiles.shape[-1] != 3 or min(tiles.shape[1:3]) < size:
        raise ImageError(f"tiles have shape {tiles.shape}; give (N, H, W, 3) with sides of at least {size}")
    rng = np.random.default_rng(seed)
    which = np.sort(rng.integers(len(tiles), size=count))
    top, left = (rng.integers(side - size + 1, size=count) for side in tiles.shape[1:3])
    patches = np.empty((count, 3, size, size), dtype=np.uint8)
    for i, (n, y, x) in enumerate(zip(which, top, left, strict=True)):
        patches[i] = tiles[n, y : y + size, x : x + size].transpose(2, 0, 1)
    return patches[rng.permutation(count)]


def fit_patch_mixture(
    patches: Tensor, components: int = 50, rank: int = 48, iterations: int = 25, seed: int = 0
) -> tuple[PatchMixture, list[float]]:
    """Fit a zero-mean mixture of low-rank Gaussians by expectation maximisation.

    Each component is a probabilistic PCA (Tipping and Bishop 1999): the leading axes of its covariance, and one
    variance for the rest, which is the maximum-likelihood M-step for that form.

    Parameters
    ----------
    patches : Tensor of shape (n, 3, p, p)
        In [-1, 1]; their means per channel are taken off.
    components, rank : int
        Number of Gaussians, and axes of each.
    iterations : int
        EM steps.
    seed : int
        Of the start.

    Returns
    -------
    PatchMixture
    list of float
        Mean log-likelihood per patch before each step, but for a constant; it never falls.
    """
    y = to_coefficients(patches.float())
    mixture = _refit(y, _start(y, components, seed), rank)
    history = []
    for _ in range(iterations):
        belief, likelihood = _expect(mixture, y)
        history.append(likelihood)
        mixture = _refit(y, belief, rank)
    return mixture, history


def _start(y: Tensor, components: int, seed: int) -> Tensor:
    """Hard assignment: by energy into a tenth as many classes, then to the most collinear of random patches."""
    generator = torch.Generator().manual_seed(seed)
    energy = y.square().sum(1)
    classes = max(1, components // 10)
    limits = torch.quantile(energy[:100_000], torch.linspace(0, 1, classes + 1)[1:-1])
    belief = torch.zeros(len(y), components)
    groups = np.array_split(np.arange(components), classes)
    level = torch.bucketize(energy, limits)
    direction = y / energy.sqrt().clamp_min(1e-9)[:, None]
    for index, group in enumerate(groups):
        members = torch.nonzero(level == index)[:, 0]
        anchors = members[torch.randperm(len(members), generator=generator)[: len(group)]]
        nearest = (direction[members] @ direction[anchors].T).abs().argmax(1)
        belief[members, torch.as_tensor(group)[nearest]] = 1
    return belief


def _expect(mixture: PatchMixture, y: Tensor) -> tuple[Tensor, float]:
    parts = [mixture.log_joint(part, 0.0) for part in y.split(_CHUNK)]
    joint = torch.cat(parts)
    return torch.softmax(joint, dim=1), float(joint.logsumexp(1).double().mean())


def _refit(y: Tensor, belief: Tensor, rank: int) -> PatchMixture:
    mass = belief.sum(0)
    axes, variances, floors = [], [], []
    for k in range(belief.shape[1]):
        member = torch.nonzero(belief[:, k] > 1e-6)[:, 0]
        weighted = y[member] * belief[member, k, None].sqrt()
        covariance = (weighted.T @ weighted).double() / mass[k].clamp_min(1.0)
        values, vectors = torch.linalg.eigh(covariance)
        values = values.clamp_min(QUANTISATION).flip(0)
        axes.append(vectors.flip(1)[:, :rank].float())
        variances.append(values[:rank].float())
        floors.append(values[rank:].mean().float())
    weight = (mass + 1) / (mass + 1).sum()
    return PatchMixture(weight, torch.stack(axes), torch.stack(variances), torch.stack(floors))


def write_patch_mixture(
    tiles: Path,
    out: Path,
    patches: int = 200_000,
    components: int = 50,
    rank: int = 48,
    iterations: int = 25,
    kept: int = 2000,
    seed: int = 0,
) -> None:
    """Fit the mixture to patches of tiles and store it, with a set of the patches for the discrete prior.

    Parameters
    ----------
    tiles : Path
        ``train.npy`` of `prepare_photographs`.
    out : Path
        The .npz file to write.
    patches : int
        Patches to fit.
    components, rank, iterations, seed
        As `fit_patch_mixture`; the seed is also that of the patches' places.
    kept : int
        Patches that are stored.
    """
    drawn = draw_patches(np.load(tiles, mmap_mode="r"), patches, seed=seed)
    x = torch.as_tensor(drawn).float() / 127.5 - 1
    mixture, history = fit_patch_mixture(x, components, rank, iterations, seed)
    for step, likelihood in enumerate(history):
        print(f"step {step}: log-likelihood per patch {likelihood:.3f}")
    arrays: dict[str, Any] = {
        "weight": mixture.weight.numpy(),
        "axes": mixture.axes.numpy().astype(np.float16),
        "variance": mixture.variance.numpy(),
        "floor": mixture.floor.numpy(),
        "patches": drawn[:kept],
    }
    np.savez_compressed(out, **arrays)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")
