"""The reverse process against diffusers' own loops, the exact Gaussian case, and its promises."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, EDMEulerScheduler, FlowMatchEulerDiscreteScheduler

from diffsr_toolkit.errors import ModelError, TimestepError
from diffsr_toolkit.models import UNetDenoiser
from diffsr_toolkit.noise import noise_like
from diffsr_toolkit.sampling import State, ddim_step, inject, sample, step_sigmas
from helpers.sampler import SCHEDULES, TOLERANCE, generators, start
from theory import NoiseSchedule
from theory.gaussian import run_chain


class DummyUNet(torch.nn.Module):
    """Deterministic, nonlinear, mixes neighbours and feels its timestep."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(0.7))
        self.config = SimpleNamespace(in_channels=3, block_out_channels=(4, 4))

    def forward(self, state: torch.Tensor, timestep: torch.Tensor) -> SimpleNamespace:
        phase = torch.as_tensor(timestep, dtype=state.dtype).reshape(-1, 1, 1, 1) / 300
        return SimpleNamespace(sample=torch.tanh(self.weight * state + 0.3 * state.roll(1, -1) + phase.sin()))


def identity(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    return x


def counted() -> tuple[list[float], object]:
    seen: list[float] = []

    def denoiser(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        assert sigma.shape == (len(x),)
        assert sigma.dtype == torch.float32
        seen.append(float(sigma[0]))
        return 0.9 * x

    return seen, denoiser


def compare(states: list[State], reference: list[torch.Tensor]) -> None:
    assert len(states) == len(reference)
    for state, expected in zip(states, reference, strict=True):
        torch.testing.assert_close(state.x, expected, **TOLERANCE)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@torch.inference_mode()
def test_equals_diffusers_ddim(eta: float, prediction_type: str) -> None:
    scheduler = DDIMScheduler(
        prediction_type=prediction_type, clip_sample=False, set_alpha_to_one=True, timestep_spacing="leading"
    )
    scheduler.set_timesteps(20)
    timesteps = [int(t) for t in scheduler.timesteps if t <= 500]
    schedule = NoiseSchedule.from_diffusers(scheduler)
    unet, x = DummyUNet(), start()

    state, draws = x * schedule.alpha_cumprod(float(timesteps[0])) ** 0.5, generators()
    reference = [x]
    for t, after in zip(timesteps, [*timesteps[1:], None], strict=True):
        noise = noise_like(x, draws)
        output = unet(state, t).sample
        state = scheduler.step(output, t, state, eta=eta, variance_noise=noise if eta else None).prev_sample
        reference.append(state / (1.0 if after is None else schedule.alpha_cumprod(float(after)) ** 0.5))

    sigmas = [*schedule.sigma(np.array(timesteps, dtype=float)), 0.0]
    denoiser = UNetDenoiser(unet, schedule, prediction_type)
    compare(list(sample(denoiser, x, sigmas, eta, generators())), reference)


@pytest.mark.parametrize("beta_schedule", ["linear", "squaredcos_cap_v2"])
@torch.inference_mode()
def test_equals_diffusers_ddpm_with_custom_timesteps(beta_schedule: str) -> None:
    scheduler = DDPMScheduler(clip_sample=False, beta_schedule=beta_schedule, variance_type="fixed_small")
    # Its own float32 table loses 1 - alphas_cumprod at small timesteps: only the formula is compared.
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.double()
    timesteps = [437, 300, 122, 41, 7, 1]
    scheduler.set_timesteps(timesteps=timesteps)
    schedule = NoiseSchedule.from_diffusers(scheduler)
    unet, x = DummyUNet(), start()

    state, draws = x * schedule.alpha_cumprod(437.0) ** 0.5, generators()
    reference = [x]
    for t, after in zip(scheduler.timesteps, [*timesteps[1:], None], strict=True):
        state = scheduler.step(unet(state, t).sample, t, state, generator=draws).prev_sample
        reference.append(state / (1.0 if after is None else schedule.alpha_cumprod(float(after)) ** 0.5))

    sigmas = [*schedule.sigma(np.array(timesteps, dtype=float)), 0.0]
    compare(list(sample(UNetDenoiser(unet, schedule), x, sigmas, 1.0, generators())), reference)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@torch.inference_mode()
def test_equals_diffusers_edm_euler(prediction_type: str) -> None:
    scheduler = EDMEulerScheduler(sigma_max=3.0, prediction_type=prediction_type)
    scheduler.set_timesteps(8)
    unet, x = DummyUNet(), start(3.0)

    state, reference = x, [x]
    for t in scheduler.timesteps:
        output = unet(scheduler.scale_model_input(state, t), t).sample
        state = scheduler.step(output, t, state).prev_sample
        reference.append(state)

    schedule = NoiseSchedule.from_diffusers(scheduler)
    denoiser = UNetDenoiser(unet, schedule, prediction_type, sigma_data=scheduler.config.sigma_data)
    compare(list(sample(denoiser, x, scheduler.sigmas.tolist())), reference)


@pytest.mark.parametrize("shift", [1.0, 3.0])
@torch.inference_mode()
def test_equals_diffusers_flow_match_euler(shift: float) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(sigmas=[0.6, 0.45, 0.3, 0.15, 0.05])
    schedule = NoiseSchedule.from_diffusers(scheduler)
    times = scheduler.sigmas.double().tolist()
    unet, x = DummyUNet(), start()

    state, reference = x * (1 - times[0]), [x]
    for t, after in zip(scheduler.timesteps, times[1:], strict=True):
        state = scheduler.step(unet(state, t).sample, t, state).prev_sample
        reference.append(state / (1 - after))

    sigmas = [*schedule.sigma(scheduler.timesteps.double().numpy()), 0.0]
    denoiser = UNetDenoiser(unet, schedule, "flow_prediction")
    compare(list(sample(denoiser, x, sigmas)), reference)


def gaussian_fields(count: int, psd: np.ndarray, seed: int) -> torch.Tensor:
    """Periodic Gaussian images ``(count, 1, n, n)`` whose ``|FFT|^2 / N`` has the mean `psd`."""
    noise = np.random.default_rng(seed).standard_normal((count, 1, *psd.shape))
    return torch.tensor(np.fft.ifft2(np.fft.fft2(noise) * np.sqrt(psd)).real)


def spectrum(x: torch.Tensor) -> np.ndarray:
    """Unitary Fourier coefficients, so that ``|.|^2`` is the power spectral density."""
    return np.fft.fft2(x[:, 0].numpy(), norm="ortho")


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_gaussian_fields_meet_the_exact_chain(eta: float) -> None:
    side, count = 16, 600
    axis = np.fft.fftfreq(side)
    frequency = np.hypot(axis[:, None], axis[None, :])
    psd = 1e-3 * np.maximum(frequency, 0.5 / side) ** -2.5
    wiener_psd = torch.tensor(psd)

    def wiener(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        gain = wiener_psd / (wiener_psd + sigma.double().view(-1, 1, 1, 1) ** 2)
        return torch.fft.ifft2(torch.fft.fft2(x) * gain).real

    hr = gaussian_fields(count, psd, seed=1)
    transfer = (frequency < 0.125).astype(float)
    lr_up = torch.tensor(np.fft.ifft2(np.fft.fft2(hr.numpy()) * transfer).real)
    schedule = NoiseSchedule.linear()
    sigmas = step_sigmas(schedule, 123.4, 7)
    draws = [torch.Generator().manual_seed(index) for index in range(count)]
    states = list(sample(wiener, inject(lr_up, float(sigmas[0]), draws), sigmas, eta, draws))

    chain = run_chain(sigmas, psd, eta)
    before, after = spectrum(states[0].x), spectrum(states[-1].x)
    fresh = after - chain.gain * before
    if eta == 0:
        np.testing.assert_allclose(after, chain.gain * before, atol=1e-5)
        assert np.all(chain.variance == 0)
    else:
        variance = np.mean(np.abs(fresh) ** 2, axis=0) / chain.variance
        np.testing.assert_allclose(variance.mean(), 1, atol=0.01)
        # Each ratio scatters by sqrt(2 / count) at most: five of those.
        np.testing.assert_allclose(variance, 1, atol=5 * np.sqrt(2 / count))
        gain = np.mean((after * before.conj()).real, axis=0) / np.mean(np.abs(before) ** 2, axis=0)
        np.testing.assert_allclose(np.mean(gain / chain.gain), 1, atol=0.01)
    error = np.mean(np.abs(after - spectrum(hr)) ** 2)
    np.testing.assert_allclose(error, np.mean(chain.squared_error(transfer, psd)), rtol=0.02)


def test_every_state_is_yielded_and_every_evaluation_counted() -> None:
    seen, denoiser = counted()
    sigmas = step_sigmas(SCHEDULES["linear"], 123.4, 7)
    states = list(sample(denoiser, start(), sigmas))
    assert [state.sigma for state in states] == list(sigmas)
    assert [state.nfe for state in states] == list(range(8))
    np.testing.assert_allclose(seen, sigmas[:-1], rtol=1e-7)
    assert states[0].x0 is None
    torch.testing.assert_close(states[0].x, start(), rtol=0, atol=0)
    for before, state in pairwise(states):
        torch.testing.assert_close(state.x0, 0.9 * before.x, rtol=0, atol=0)
    torch.testing.assert_close(states[-1].x, states[-1].x0, rtol=0, atol=0)


def test_the_process_is_lazy() -> None:
    seen, denoiser = counted()
    process = sample(denoiser, start(), [2.0, 1.0, 0.0])
    next(process)
    assert seen == []
    next(process)
    assert len(seen) == 1


def test_a_perfect_denoiser_gives_its_image_at_any_eta() -> None:
    truth = start(0.3)
    for eta in (0.0, 0.4, 1.0):
        *_, last = sample(lambda x, sigma: truth, start(5), [5.0, 1.0, 0.2, 0.0], eta, generators())
        torch.testing.assert_close(last.x, truth, rtol=0, atol=0)


@pytest.mark.parametrize("eta", [-0.1, 1.1, float("nan")])
def test_eta_outside_its_range_is_refused(eta: float) -> None:
    with pytest.raises(TimestepError, match=r"outside \[0, 1\]"):
        next(sample(identity, start(), [1.0, 0.0], eta, generators()))


def test_ancestral_noise_needs_generators() -> None:
    with pytest.raises(TimestepError, match="one generator for each image"):
        next(sample(identity, start(), [1.0, 0.0], 0.5))


def test_a_step_says_what_it_cost_and_the_process_adds_it_up() -> None:
    seen, denoiser = counted()
    step = ddim_step(denoiser, start(), 2.0, 0.5)
    assert step.nfe == len(seen) == 1
    torch.testing.assert_close(step.x0, 0.9 * start(), rtol=0, atol=0)
    *_, last = sample(denoiser, start(), [2.0, 0.5, 0.1, 0.0])
    assert last.nfe == 3 * step.nfe


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: x[:, :1],
        lambda x: x[:1],
        lambda x: x.mean(),
        lambda x: x[..., :1],
        lambda x: x.long(),
        lambda x: x.numpy(),
        lambda x: None,
        lambda x: (x,),
    ],
    ids=["channel", "image", "number", "column", "integers", "numpy", "None", "tuple"],
)
def test_an_estimate_that_would_be_broadcast_is_refused(answer: object) -> None:
    with pytest.raises(
        ModelError, match=r"returned .*must return a floating-point tensor of shape \(2, 3, 8, 8\)"
    ):
        list(sample(lambda x, sigma: answer(x), start(), [1.0, 0.0]))  # type: ignore[operator]


def test_the_process_keeps_no_gradients_but_the_denoiser_may() -> None:
    unet = DummyUNet()
    denoiser = UNetDenoiser(unet, NoiseSchedule.linear())
    x = start(0.5).requires_grad_()
    *_, last = sample(denoiser, x, [1.0, 0.5, 0.0])
    assert not last.x.requires_grad
    denoiser(x, torch.tensor([0.5, 0.5])).square().sum().backward()
    assert x.grad is not None and float(x.grad.abs().sum()) > 0
    assert unet.weight.grad is not None and float(unet.weight.grad) != 0
    assert torch.is_grad_enabled()
