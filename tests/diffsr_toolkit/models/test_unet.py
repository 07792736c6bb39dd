"""Adapters: every kind of network becomes the same D(x, sigma)."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from diffsr_toolkit.errors import ModelError, TimestepError
from diffsr_toolkit.models import PerChannel, UNetDenoiser, as_denoiser, pad_to_multiple
from theory import NoiseSchedule

LINEAR = NoiseSchedule.linear()
FLOW = NoiseSchedule.flow_matching()


class FunctionUNet(torch.nn.Module):
    """A diffusers-like network around ``function(state, timestep)``."""

    def __init__(self, function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.config = SimpleNamespace(in_channels=3, block_out_channels=(8, 8, 8))
        self.states: list[torch.Tensor] = []
        self.timesteps: list[torch.Tensor] = []

    def forward(self, state: torch.Tensor, timestep: torch.Tensor) -> SimpleNamespace:
        self.states.append(state)
        self.timesteps.append(timestep)
        return SimpleNamespace(sample=self.function(state, timestep))


def images(height: int = 8, width: int = 8) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(3)) * 2 - 1


def noise(x: torch.Tensor) -> torch.Tensor:
    return torch.randn(x.shape, generator=torch.Generator().manual_seed(4))


def view(values: torch.Tensor) -> torch.Tensor:
    return values.view(-1, 1, 1, 1)


@pytest.mark.parametrize("prediction_type", ["epsilon", "sample", "v_prediction", "flow_prediction"])
def test_a_network_that_knows_the_answer_gives_it(prediction_type: str) -> None:
    """The network's target is written from its training definition, not from the adapter's formula."""
    x0, eps, t = images(), noise(images()), torch.tensor([40.25, 700.5])
    schedule = FLOW if prediction_type == "flow_prediction" else LINEAR
    if prediction_type == "flow_prediction":
        alpha, sigma = 1 - t / 1000, t / 1000
    else:
        bar = torch.tensor(LINEAR.alpha_cumprod(t.double().numpy()), dtype=torch.float32)
        alpha, sigma = bar.sqrt(), (1 - bar).sqrt()
    alpha, sigma = view(alpha), view(sigma)
    target = {
        "epsilon": eps,
        "sample": x0,
        "v_prediction": alpha * eps - sigma * x0,
        "flow_prediction": eps - x0,
    }[prediction_type]
    unet = FunctionUNet(lambda state, timestep: target)

    level = torch.tensor(schedule.sigma(t.double().numpy()))
    restored = UNetDenoiser(unet, schedule, prediction_type)(x0 + view(level).float() * eps, level.float())

    torch.testing.assert_close(restored, x0, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(unet.states[0], alpha * x0 + sigma * eps, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(unet.timesteps[0], t, rtol=1e-5, atol=1e-4)


def test_edm_preconditioning_is_that_of_the_paper() -> None:
    x, sigma = images(), torch.tensor([0.3, 4.0])
    unet = FunctionUNet(lambda state, timestep: torch.cos(state))
    restored = UNetDenoiser(unet, NoiseSchedule.karras(), sigma_data=0.5)(x, sigma)
    s = view(sigma)
    c_in, c_skip, c_out = (s**2 + 0.25) ** -0.5, 0.25 / (s**2 + 0.25), s * 0.5 * (s**2 + 0.25) ** -0.5
    torch.testing.assert_close(restored, c_skip * x + c_out * torch.cos(c_in * x))
    torch.testing.assert_close(unet.timesteps[0], 0.25 * sigma.log())


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (37, 23), (8, 12), (64, 2)])
def test_any_size_fits_and_padding_leaves_no_trace(size: tuple[int, int]) -> None:
    unet = FunctionUNet(lambda state, timestep: torch.sin(state))
    x, sigma = images(*size), torch.tensor([0.5, 0.5])
    restored = UNetDenoiser(unet, LINEAR)(x, sigma)
    assert all(side % 4 == 0 for side in unet.states[0].shape[-2:])
    alpha = (1 + 0.5**2) ** -0.5
    torch.testing.assert_close(restored, x - 0.5 * torch.sin(alpha * x))


def test_padding_mirrors_where_it_can_and_repeats_where_it_must() -> None:
    x = torch.arange(6.0).reshape(1, 1, 1, 6)
    torch.testing.assert_close(pad_to_multiple(x, 4)[0, 0, 0], torch.tensor([0.0, 1, 2, 3, 4, 5, 5, 5]))
    assert pad_to_multiple(x, 4).shape == (1, 1, 4, 8)
    tall = x.expand(1, 1, 4, 6)
    torch.testing.assert_close(pad_to_multiple(tall, 4)[0, 0, 3], torch.tensor([0.0, 1, 2, 3, 4, 5, 4, 3]))
    assert pad_to_multiple(tall[..., :4], 4).shape == (1, 1, 4, 4)


@pytest.mark.parametrize(
    "schedule", [LINEAR, NoiseSchedule.cosine(), NoiseSchedule.karras(), FLOW], ids=lambda s: s.name
)
def test_float32_reaches_both_ends_of_the_schedule(schedule: NoiseSchedule) -> None:
    unet = FunctionUNet(lambda state, timestep: torch.zeros_like(state))
    ends = torch.tensor([schedule.t_min, schedule.t_max])
    sigma = torch.tensor(
        [schedule.sigma(schedule.t_min), schedule.sigma(schedule.t_max)], dtype=torch.float32
    )
    UNetDenoiser(unet, schedule)(images(), sigma)
    torch.testing.assert_close(unet.timesteps[0], ends.float(), rtol=1e-5, atol=1e-3)


def test_more_noise_than_the_schedule_has_is_refused() -> None:
    beyond = torch.full((2,), 1.1 * LINEAR.sigma(LINEAR.t_max))
    with pytest.raises(TimestepError, match="not reached"):
        UNetDenoiser(FunctionUNet(lambda state, t: state), LINEAR)(images(), beyond)


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.999999, 1.0])
def test_at_less_noise_than_the_network_knows_it_is_told_its_least(factor: float) -> None:
    unet = FunctionUNet(lambda state, timestep: torch.ones_like(state))
    denoiser, x = UNetDenoiser(unet, LINEAR), images()
    assert denoiser.sigma_min == LINEAR.sigma(LINEAR.t_min)
    sigma = torch.full((2,), factor * denoiser.sigma_min)
    restored = denoiser(x, sigma)
    torch.testing.assert_close(unet.timesteps[0], torch.full((2,), LINEAR.t_min), rtol=0, atol=1e-3)
    # The estimate still takes off only the noise that there is.
    torch.testing.assert_close(restored, x - view(sigma))


def test_the_network_keeps_its_precision_and_the_state_its_own() -> None:
    unet = FunctionUNet(lambda state, timestep: state).to(torch.bfloat16)
    restored = UNetDenoiser(unet, LINEAR)(images(), torch.tensor([0.5, 0.5]))
    assert unet.states[0].dtype == torch.bfloat16
    assert unet.timesteps[0].dtype == torch.float32
    assert restored.dtype == torch.float32


def test_learned_variances_are_left_out() -> None:
    unet = FunctionUNet(lambda state, timestep: torch.cat([state, 100 + state], dim=1))
    plain = FunctionUNet(lambda state, timestep: state)
    x, sigma = images(), torch.tensor([0.5, 0.7])
    torch.testing.assert_close(UNetDenoiser(unet, LINEAR)(x, sigma), UNetDenoiser(plain, LINEAR)(x, sigma))


def test_unknown_prediction_type_is_refused() -> None:
    with pytest.raises(ModelError, match="v_prediction"):
        UNetDenoiser(FunctionUNet(lambda state, t: state), LINEAR, "score")


def test_attributes_of_the_network_are_taken_over() -> None:
    denoiser = UNetDenoiser(FunctionUNet(lambda state, t: state), LINEAR)
    assert denoiser.channels == 3
    assert denoiser.stride == 4
    assert denoiser.device == torch.device("cpu")
    assert not denoiser.unet.training


def test_per_channel_restores_each_plane_with_its_image_s_noise_level() -> None:
    def function(planes: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        assert planes.shape[1] == 1
        return planes * view(sigma) + planes.mean((-2, -1), keepdim=True)

    denoiser = as_denoiser(function)
    x, sigma = images(3, 5), torch.tensor([0.5, 2.0])
    restored = PerChannel(denoiser)(x, sigma)
    expected = torch.cat([denoiser(x[:, c : c + 1], sigma) for c in range(3)], dim=1)
    torch.testing.assert_close(restored, expected, rtol=0, atol=0)
