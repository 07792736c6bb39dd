"""Keep what the low-resolution image knows: back-projection of every estimate of the reverse process."""

from __future__ import annotations

from torch import Tensor

from diffsr_toolkit.images import resize
from diffsr_toolkit.models import AnyDenoiser, Denoiser, as_denoiser, estimate

ITERATIONS = 2


def back_project(x0: Tensor, lr: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """Move an image towards those whose degraded version is ``lr``.

    Parameters
    ----------
    x0 : Tensor
        ``(B, C, H, W)`` or ``(C, H, W)`` in [-1, 1].
    lr : Tensor
        The low-resolution image, of the same number of dimensions.
    iterations : int
        Repetitions of ``x0 + upsample(lr - degrade(x0))``.

    References
    ----------
    Irani and Peleg, "Improving resolution by image registration", CVGIP 1991 (iterative back-projection);
    within a diffusion sampler: Choi et al., "ILVR", ICCV 2021, and Wang et al., "DDNM", ICLR 2023.
    """
    low, high = (lr.shape[-2], lr.shape[-1]), (x0.shape[-2], x0.shape[-1])
    for _ in range(iterations):
        x0 = x0 + resize(lr - resize(x0, low), high)
    return x0


class LRConsistent(AnyDenoiser):
    """A denoiser whose every estimate is back-projected onto ``lr``, ``(C, h, w)`` or ``(B, C, h, w)`` in [-1, 1].

    The reverse process then decides only what the degradation removed: a network's own error in the
    surviving band, which at small scales outweighs everything it adds, is undone at each step.
    """

    def __init__(self, denoiser: Denoiser, lr: Tensor) -> None:
        self.denoiser = as_denoiser(denoiser)
        self.lr = lr
        self.channels, self.stride = self.denoiser.channels, self.denoiser.stride
        self.sigma_min, self.sigma_max = self.denoiser.sigma_min, self.denoiser.sigma_max

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0``, ``(B, C, H, W)``, consistent with the low-resolution image."""
        x0 = estimate(self.denoiser, x, sigma)
        return back_project(x0, self.lr.to(x0).expand(x0.shape[0], -1, -1, -1))
