from __future__ import annotations

import pytest
import torch

from diffsr_toolkit.consistency import LRConsistent, back_project
from diffsr_toolkit.images import degrade, upsample


@pytest.fixture
def hr() -> torch.Tensor:
    return torch.rand(3, 37, 52, generator=torch.Generator().manual_seed(3)) * 2 - 1


@pytest.mark.parametrize("scale", [1.6, 2.7, (2.0, 3.5)])
def test_a_consistent_image_is_left_alone(hr: torch.Tensor, scale: float | tuple[float, float]) -> None:
    torch.testing.assert_close(back_project(hr, degrade(hr, scale)), hr, rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [1.6, 2.7, 4.0])
def test_each_iteration_comes_closer_to_the_low_resolution_image(hr: torch.Tensor, scale: float) -> None:
    lr = degrade(hr, scale)
    x0 = upsample(lr, (37, 52))
    errors = [
        float((degrade(back_project(x0, lr, iterations), scale) - lr).square().mean())
        for iterations in (0, 1, 2, 5, 20)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-2 * errors[0]


def test_the_wrapped_denoiser_gets_its_arguments_and_the_batch_is_corrected(hr: torch.Tensor) -> None:
    lr = degrade(hr, 2.0)
    seen = []

    def denoiser(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        seen.append((tuple(x.shape), sigma.tolist()))
        return torch.zeros_like(x)

    out = LRConsistent(denoiser, lr)(hr.expand(2, -1, -1, -1), torch.tensor([0.5, 0.5]))
    assert seen == [((2, 3, 37, 52), [0.5, 0.5])]
    assert torch.equal(out[0], out[1])
    torch.testing.assert_close(out[0], back_project(torch.zeros_like(hr), lr))
