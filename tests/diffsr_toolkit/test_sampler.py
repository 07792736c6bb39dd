"""The reverse process against diffusers' own loops, the exact Gaussian case, and its promises."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, EDMEulerScheduler, FlowMatchEulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit import DiffSR
from diffsr_toolkit.denoisers import UNetDenoiser
from diffsr_toolkit.errors import TimestepError, ToolkitError
from diffsr_toolkit.sampler import (
    LEAST_SIGMA,
    State,
    image_generator,
    inject,
    inject_antithetic,
    noise_like,
    sample,
    step_sigmas,
)
from theory import NoiseSchedule
from theory.gaussian import run_chain

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}
SHAPE = (2, 3, 8, 8)
SCHEDULES = {
    "linear": NoiseSchedule.linear(),
    "scaled_linear": NoiseSchedule.scaled_linear(),
    "cosine": NoiseSchedule.cosine(),
    "flow_matching": NoiseSchedule.flow_matching(),
    "karras": NoiseSchedule.karras(),
}


class DummyUNet(torch.nn.Module):
    """Deterministic, nonlinear, mixes neighbours and feels its timestep."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(0.7))
        self.config = SimpleNamespace(in_channels=3, block_out_channels=(4, 4))

    def forward(self, state: torch.Tensor, timestep: torch.Tensor) -> SimpleNamespace:
        phase = torch.as_tensor(timestep, dtype=state.dtype).reshape(-1, 1, 1, 1) / 300
        return SimpleNamespace(sample=torch.tanh(self.weight * state + 0.3 * state.roll(1, -1) + phase.sin()))


def start(scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(SHAPE, generator=torch.Generator().manual_seed(7))


def generators(count: int = SHAPE[0]) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(11 + index) for index in range(count)]


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


@settings(deadline=None, max_examples=200)
@given(
    name=st.sampled_from(sorted(SCHEDULES)),
    where=st.floats(0.001, 1),
    steps=st.integers(1, 60),
    spacing=st.sampled_from(["log_snr", "timestep"]),
)
def test_step_sigmas_fall_from_t_to_zero(name: str, where: float, steps: int, spacing: str) -> None:
    schedule = SCHEDULES[name]
    t = schedule.t_min + where * (schedule.t_max - schedule.t_min)
    sigmas = step_sigmas(schedule, t, steps, spacing)
    assert sigmas.dtype == np.float64
    # Fewer only where further ones would lie below the least level worth an evaluation.
    assert len(sigmas) == steps + 1 or (len(sigmas) <= steps and sigmas[-2] <= LEAST_SIGMA * (1 + 1e-9))
    assert sigmas[0] == schedule.sigma(t)
    assert sigmas[-1] == 0
    assert np.all(np.diff(sigmas) < 0)
    assert sigmas[-2] >= max(schedule.sigma(schedule.t_min), min(sigmas[0], LEAST_SIGMA * (1 - 1e-9)))


@settings(deadline=None, max_examples=100)
@given(
    name=st.sampled_from(sorted(SCHEDULES)), where=st.floats(0.01, 1), steps=st.integers(1, 30),
    sigma_min=st.floats(1e-3, 0.5), spacing=st.sampled_from(["log_snr", "timestep"]),
)  # fmt: skip
def test_no_step_goes_below_the_least_noise_asked_for(
    name: str, where: float, steps: int, sigma_min: float, spacing: Any
) -> None:
    schedule = SCHEDULES[name]
    t = schedule.t_min + where * (schedule.t_max - schedule.t_min)
    sigmas = step_sigmas(schedule, t, steps, spacing, sigma_min)
    assert sigmas[0] == schedule.sigma(t) and sigmas[-1] == 0 and np.all(np.diff(sigmas) < 0)
    assert sigmas[-2] >= min(sigmas[0], sigma_min * (1 - 1e-9))
    free = step_sigmas(schedule, t, steps, spacing)
    if free[-2] >= sigma_min and spacing == "timestep":
        np.testing.assert_array_equal(sigmas, free)
    if sigmas[0] <= sigma_min:
        assert len(sigmas) == 2


@pytest.mark.parametrize("name", ["linear", "cosine", "flow_matching"])
def test_a_network_s_least_noise_makes_levels_the_same_on_every_schedule(name: str) -> None:
    linear, other = SCHEDULES["linear"], SCHEDULES[name]
    least = float(linear.sigma(linear.t_min))
    t = float(other.t_of_snr(float(linear.snr(123.4))))
    np.testing.assert_allclose(
        step_sigmas(other, t, 7, sigma_min=least), step_sigmas(linear, 123.4, 7, sigma_min=least), rtol=1e-9
    )


@pytest.mark.parametrize("spacing", ["log_snr", "timestep"])
@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_at_the_first_timestep_one_evaluation_is_left(name: str, spacing: str) -> None:
    schedule = SCHEDULES[name]
    sigmas = step_sigmas(schedule, schedule.t_min, 5, spacing)
    np.testing.assert_array_equal(sigmas, [schedule.sigma(schedule.t_min), 0])


def test_spacings_are_what_they_say() -> None:
    schedule = SCHEDULES["linear"]
    log_snr = np.diff(np.log(step_sigmas(schedule, 200.5, 6)[:-1]))
    np.testing.assert_allclose(log_snr, log_snr[0])
    t = schedule.t_of_sigma(step_sigmas(schedule, 200.5, 6, "timestep")[:-1])
    np.testing.assert_allclose(np.diff(t), -200.5 / 6)


def test_step_sigmas_honour_a_real_timestep() -> None:
    sigmas = [step_sigmas(SCHEDULES["linear"], t, 4)[0] for t in (123.0, 123.4, 124.0)]
    assert sigmas[0] < sigmas[1] < sigmas[2]


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, "3", None])
def test_step_count_must_be_a_positive_whole_number(steps: object) -> None:
    with pytest.raises(TimestepError, match=r"steps=.*whole number"):
        step_sigmas(SCHEDULES["linear"], 100.0, steps)  # type: ignore[arg-type]


@pytest.mark.parametrize("t", [-0.1, 999.5, float("nan"), float("inf")])
def test_timestep_outside_the_schedule_is_refused(t: float) -> None:
    with pytest.raises(TimestepError, match=r"\[0, 999\]"):
        step_sigmas(SCHEDULES["linear"], t, 4)


def test_unknown_spacing_is_refused() -> None:
    with pytest.raises(TimestepError, match="log_snr"):
        step_sigmas(SCHEDULES["linear"], 100.0, 4, "karras")  # type: ignore[arg-type]


def test_a_timestep_without_signal_is_refused() -> None:
    schedule = NoiseSchedule.from_alphas_cumprod([0.9, 0.5, 0.1, 0.0])
    with pytest.raises(TimestepError, match="SNR 0"):
        step_sigmas(schedule, 3.0, 4)


def test_noise_of_an_image_does_not_depend_on_its_batch() -> None:
    first, second = start(0.2)
    batch = noise_like(start(), [image_generator(0, first), image_generator(0, second)])
    for image, noise in zip((first, second), batch, strict=True):
        alone = noise_like(image[None], [image_generator(0, image)])[0]
        torch.testing.assert_close(alone, noise, rtol=0, atol=0)
    assert not torch.equal(batch[0], batch[1])


def test_noise_does_not_depend_on_precision() -> None:
    image = start(0.2)[0]
    single = noise_like(image[None], [image_generator(3, image)])
    double = noise_like(image[None].double(), [image_generator(3, image.double())])
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=0, atol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no second device")
def test_noise_does_not_depend_on_the_device() -> None:
    image = start(0.2)[0]
    here = noise_like(image[None], [image_generator(3, image)])
    there = noise_like(image[None].cuda(), [image_generator(3, image.cuda())])
    torch.testing.assert_close(there.cpu(), here, rtol=0, atol=0)


def test_seed_and_content_key_the_noise() -> None:
    image = start(0.2)[0]
    keyed = {
        "zero": image_generator(0, image),
        "one": image_generator(1, image),
        "other draw": image_generator(0, image, 1),
        "other image": image_generator(0, -image),
        "other shape": image_generator(0, image.mT.reshape(3, 4, 16)),
    }
    draws = {float(torch.randn(1, generator=generator)) for generator in keyed.values()}
    assert len(draws) == len(keyed)
    again = image_generator(0, image.clone())
    assert again.initial_seed() == keyed["zero"].initial_seed()
    assert image_generator(np.int64(0), image).initial_seed() == again.initial_seed()


@pytest.mark.parametrize("seed", [0.5, "0", None])
def test_a_seed_must_be_a_whole_number(seed: object) -> None:
    with pytest.raises(ToolkitError, match="whole number"):
        image_generator(seed, start()[0])  # type: ignore[arg-type]


def test_injection_adds_noise_of_the_level_asked_for() -> None:
    image = torch.zeros(1, 3, 64, 64)
    noise = inject(image, 0.25, [torch.Generator().manual_seed(0)]) - image
    # 12288 values: the standard deviation's own is 0.6 %.
    assert float(noise.std()) == pytest.approx(0.25, rel=0.03)
    assert float(noise.mean()) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_antithetic_injection_cancels_in_pairs(count: int) -> None:
    image = start(0.2)[0].expand(count, -1, -1, -1)
    plain = inject(image, 0.5, generators(count)) - image
    paired = inject_antithetic(image, 0.5, generators(count)) - image
    torch.testing.assert_close(paired[0::2], plain[0::2], rtol=0, atol=0)
    torch.testing.assert_close(paired[1::2], -plain[0 : count - 1 : 2][: count // 2], **TOLERANCE)


class Stepper:
    """A denoiser that knows the least noise of the linear schedule."""

    channels = 3
    sigma_min = float(SCHEDULES["linear"].sigma(0.0))

    def __init__(self) -> None:
        self.sigmas: list[float] = []

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        self.sigmas.append(float(sigma[0]))
        return torch.tanh(x / (1 + sigma.view(-1, 1, 1, 1)))


@pytest.mark.parametrize(("eta", "samples"), [(0.0, 1), (1.0, 2)])
@pytest.mark.parametrize("name", ["cosine", "flow_matching"])
def test_a_network_on_another_schedule_restores_the_same_image_at_equal_snr(
    name: str, eta: float, samples: int
) -> None:
    lr = start(0.3)[0].clamp(-1, 1)
    linear = SCHEDULES["linear"]
    restored = []
    for schedule in (linear, SCHEDULES[name]):
        t = float(schedule.t_of_snr(float(linear.snr(87.6))))
        sr = DiffSR(Stepper(), schedule)
        restored.append(sr.restore(lr, (16, 20), t, steps=6, eta=eta, samples=samples)[0])
        assert min(sr.denoiser.sigmas) >= Stepper.sigma_min * (1 - 1e-6)
    # The levels agree to 1e-9, so what may differ is one rounding to single precision.
    torch.testing.assert_close(restored[0], restored[1], rtol=0, atol=1e-6)


def test_a_flow_model_spends_no_step_below_what_an_image_shows() -> None:
    class Flow(Stepper):
        sigma_min = 1e-6

    sr = DiffSR(Flow(), SCHEDULES["flow_matching"])
    sr.restore(start(0.3)[0], (16, 16), 200.0, steps=5)
    assert len(sr.denoiser.sigmas) == 5 and min(sr.denoiser.sigmas) > LEAST_SIGMA
