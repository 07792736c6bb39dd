"""Restoring a batch: each image as it would be alone, and no evaluation that the network does not know."""

from __future__ import annotations

import pytest
import torch

from diffsr_toolkit import PAIR, SamplingSettings
from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.models import AnyDenoiser
from diffsr_toolkit.restoration import DiffusionRestorer
from theory import NoiseSchedule

LINEAR = NoiseSchedule.linear()
SIZE = (11, 14)


class Soft(AnyDenoiser):
    """Shrinks, mixes neighbours, and keeps the noise levels that it was told."""

    def __init__(self, channels: int | None = None, sigma_min: float = 0.0) -> None:
        self.channels, self.sigma_min = channels, sigma_min
        self.told: list[torch.Tensor] = []

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        self.told.append(sigma)
        return torch.tanh((x + 0.2 * x.roll(1, -1)) / (1 + sigma.view(-1, 1, 1, 1)))


def batch(channels: int = 3) -> torch.Tensor:
    return torch.rand(3, channels, 6, 7, generator=torch.Generator().manual_seed(5)) * 1.6 - 0.8


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("own", [None, 1, 3])
@pytest.mark.parametrize(
    "settings",
    [
        SamplingSettings(steps=3),
        SamplingSettings(steps=3, eta=0.5, consistency=False),
        SamplingSettings(steps=2, samples=3, eta=1.0),
        PAIR,
    ],
    ids=str,
)
def test_an_image_of_a_batch_is_restored_as_alone(
    channels: int, own: int | None, settings: SamplingSettings
) -> None:
    restorer, lr = DiffusionRestorer(Soft(own), LINEAR), batch(channels)
    together, nfe = restorer.restore_batch(lr, SIZE, 120.5, settings, seed=3)
    assert together.shape == (3, channels, *SIZE) and nfe == settings.nfe
    for image, restored in zip(lr, together, strict=True):
        alone, cost = restorer.restore(image, SIZE, 120.5, settings, seed=3)
        torch.testing.assert_close(restored, alone, rtol=0, atol=1e-6)
        assert cost == nfe
    assert not torch.equal(together[0], together[1])


@pytest.mark.parametrize("consistency", [True, False])
def test_nothing_is_evaluated_below_the_least_noise_that_the_network_knows(consistency: bool) -> None:
    denoiser = Soft(sigma_min=0.7)
    settings = SamplingSettings(steps=6, consistency=consistency)
    DiffusionRestorer(denoiser, LINEAR).restore_batch(batch(), SIZE, 600.0, settings)
    told = torch.stack(denoiser.told)
    # Levels are handed over in single precision.
    assert len(told) == 6 and float(told.min()) >= 0.7 * (1 - 1e-6)


@pytest.mark.parametrize("consistency", [True, False])
def test_an_estimate_of_another_shape_is_refused_with_and_without_consistency(consistency: bool) -> None:
    restorer = DiffusionRestorer(lambda x, sigma: x[:, :1], LINEAR)
    with pytest.raises(ModelError, match=r"must return a floating-point tensor of shape \(1, 3, 11, 14\)"):
        restorer.restore(batch()[0], SIZE, 50.0, SamplingSettings(steps=1, consistency=consistency))


def test_the_digest_is_that_of_the_weights() -> None:
    torch.manual_seed(0)
    network = torch.nn.Conv2d(3, 3, 3, padding=1)

    def digest() -> str | None:
        return DiffusionRestorer(Around(network), LINEAR).weights_digest

    class Around(AnyDenoiser):
        def __init__(self, module: torch.nn.Module) -> None:
            self.module = module

        def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            return self.module(x)

    first = digest()
    assert first == digest() and first is not None
    torch.nn.init.ones_(network.bias)
    assert digest() != first
    assert DiffusionRestorer(Soft(), LINEAR).weights_digest is None
