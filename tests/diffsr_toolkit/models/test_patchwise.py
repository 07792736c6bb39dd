"""Denoisers from patch priors: posterior means against brute force, against one another, and on photographs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffsr_toolkit.datasets import bundled_photograph
from diffsr_toolkit.errors import ImageError, ModelError
from diffsr_toolkit.models import (
    MixtureDenoiser,
    PatchDenoiser,
    PatchMixture,
    PatchSet,
    WienerDenoiser,
    load_mixture,
    load_patches,
)
from diffsr_toolkit.models.patch_priors import patch_basis
from theory.spectra import PowerLaw

LAW = PowerLaw(2e-4, 2.5)


def noised(hr, sigma):
    return hr + sigma * torch.randn(hr.shape, generator=torch.Generator().manual_seed(0))


def psnr(image, hr):
    return float(-10 * torch.log10(((image.clamp(-1, 1) - hr) / 2).square().mean()))


def random_mixture(d=6, rank=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(2, d, rank, generator=generator))[0]
    variance = torch.tensor([[3.0, 2.0, 1.0], [0.5, 0.3, 0.2]])
    return PatchMixture(torch.tensor([0.3, 0.7]), axes, variance, torch.tensor([0.4, 0.05]))


def covariances(mixture):
    one = torch.eye(mixture.axes.shape[1])
    return [
        axes @ torch.diag(variance - floor) @ axes.T + floor * one
        for axes, variance, floor in zip(mixture.axes, mixture.variance, mixture.floor, strict=True)
    ]


def test_basis_is_orthonormal_and_blind_to_the_mean():
    basis = patch_basis(6).double()
    np.testing.assert_allclose(basis @ basis.T, torch.eye(35), atol=1e-6)
    np.testing.assert_allclose(basis.sum(1), 0, atol=1e-5)


@pytest.mark.parametrize(("sigma", "seed"), [(0.05, 0), (0.4, 1), (1.0, 2), (5.0, 3)])
def test_mixture_posterior_by_brute_force(sigma, seed):
    mixture = random_mixture(seed=seed)
    y = torch.randn(5, 6, generator=torch.Generator().manual_seed(seed))
    noisy = [c.double() + sigma**2 * torch.eye(6).double() for c in covariances(mixture)]
    logs = [-0.5 * ((y.double() @ c.inverse()) * y.double()).sum(1) - 0.5 * c.logdet() for c in noisy]
    belief = torch.softmax(torch.stack(logs, 1) + mixture.weight.log().double(), 1)
    means = [
        y.double() @ torch.linalg.solve(n, c.double())
        for n, c in zip(noisy, covariances(mixture), strict=True)
    ]
    expected = sum(belief[:, k, None] * means[k] for k in range(2))
    np.testing.assert_allclose(mixture.posterior_mean(y, sigma), expected, atol=2e-4)


def test_mixture_posterior_mean_is_the_best_estimate():
    # Tweedie: y + sigma^2 times the gradient of log p(y), here by automatic differentiation.
    mixture, sigma = random_mixture(), 0.7
    y = torch.randn(4, 6, generator=torch.Generator().manual_seed(3), requires_grad=True)
    (score,) = torch.autograd.grad(mixture.log_joint(y, sigma).logsumexp(1).sum(), y)
    np.testing.assert_allclose(
        mixture.posterior_mean(y.detach(), sigma), (y + sigma**2 * score).detach(), atol=1e-4
    )


def test_discrete_posterior_by_brute_force():
    points, y = torch.randn(7, 4), torch.randn(3, 4)
    weight = torch.exp(-(torch.cdist(y, points) ** 2) / (2 * 0.8**2))
    expected = (weight / weight.sum(1, keepdim=True)) @ points
    np.testing.assert_allclose(PatchSet(points).posterior_mean(y, 0.8), expected, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2, 3, 8])
@pytest.mark.parametrize("size", [(8, 8), (8, 19), (21, 30)])
def test_little_noise_changes_nothing(stride, size):
    x = torch.rand(2, 3, *size) * 2 - 1
    restored = MixtureDenoiser(stride=stride)(x, torch.full((2,), 1e-5))
    np.testing.assert_allclose(restored, x, atol=1e-4)


def test_an_image_of_known_patches_comes_back():
    patches = load_patches()[:50]
    image = patches[7][None].clone()
    restored = PatchDenoiser(patches)(noised(image, 0.01), torch.tensor([0.01]))
    # Only the free mean of each channel keeps noise: 0.01 / 8.
    assert float((restored - image).abs().max()) < 5 * 0.01 / 8


def test_each_image_has_its_own_noise_level():
    x, sigma = torch.rand(2, 3, 12, 12), torch.tensor([0.05, 0.4])
    for denoiser in (MixtureDenoiser(), PatchDenoiser(load_patches()[:100])):
        both = denoiser(x, sigma)
        alone = torch.cat([denoiser(x[i : i + 1], sigma[i : i + 1]) for i in range(2)])
        np.testing.assert_allclose(both, alone, atol=1e-5)


def test_overlaps_are_averaged():
    x, sigma = torch.rand(1, 3, 9, 8), torch.tensor([0.3])
    denoiser = MixtureDenoiser(stride=1)
    top, bottom = denoiser(x[..., :8, :], sigma), denoiser(x[..., 1:, :], sigma)
    both = denoiser(x, sigma)
    np.testing.assert_allclose(both[..., 0, :], top[..., 0, :], atol=1e-5)
    np.testing.assert_allclose(both[..., 8, :], bottom[..., 7, :], atol=1e-5)
    np.testing.assert_allclose(both[..., 4, :], (top[..., 4, :] + bottom[..., 3, :]) / 2, atol=1e-5)


def test_the_better_prior_denoises_better():
    hr = bundled_photograph("astronaut")[None, :, 60:188, 160:288]
    sigma = 25 / 127.5
    x = noised(hr, sigma)
    level = torch.tensor([sigma])
    found = {
        "noisy": psnr(x, hr),
        "patches": psnr(PatchDenoiser(stride=4)(x, level), hr),
        "wiener": psnr(WienerDenoiser(LAW)(x, level), hr),
        "mixture": psnr(MixtureDenoiser()(x, level), hr),
    }
    assert found["noisy"] + 4 < min(found["patches"], found["wiener"])
    assert max(found["patches"], found["wiener"]) + 1.5 < found["mixture"]


def test_shipped_prior_is_one():
    mixture = load_mixture()
    assert float(mixture.weight.sum()) == pytest.approx(1, abs=1e-4)
    assert mixture.axes.shape[1] == 3 * 63 and load_patches().shape[1:] == (3, 8, 8)
    gram = mixture.axes.mT @ mixture.axes
    np.testing.assert_allclose(gram, torch.eye(gram.shape[-1]).expand_as(gram), atol=3e-3)
    assert (mixture.variance[:, -1] >= mixture.floor * 0.99).all() and (mixture.floor > 0).all()


def test_what_cannot_be_denoised_is_refused():
    with pytest.raises(ImageError, match="sides of at least 8"):
        MixtureDenoiser()(torch.zeros(1, 3, 7, 20), torch.ones(1))
    with pytest.raises(ModelError, match="stride = 9"):
        MixtureDenoiser(stride=9)
    with pytest.raises(ModelError, match="patches have shape"):
        PatchDenoiser(torch.zeros(3, 1, 8, 8))
