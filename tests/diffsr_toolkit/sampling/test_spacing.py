"""The noise levels of the steps: from the timestep to zero, the same on every schedule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit import SamplingSettings
from diffsr_toolkit.errors import TimestepError
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.sampling import LEAST_SIGMA, step_sigmas
from helpers.sampler import SCHEDULES, start
from theory import NoiseSchedule


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
        stepper = Stepper()
        sr = DiffusionRestorer(stepper, schedule)
        settings = SamplingSettings(steps=6, eta=eta, samples=samples)
        restored.append(sr.restore(lr, (16, 20), t, settings)[0])
        assert min(stepper.sigmas) >= Stepper.sigma_min * (1 - 1e-6)
    # The levels agree to 1e-9, so what may differ is one rounding to single precision.
    torch.testing.assert_close(restored[0], restored[1], rtol=0, atol=1e-6)


def test_a_flow_model_spends_no_step_below_what_an_image_shows() -> None:
    class Flow(Stepper):
        sigma_min = 1e-6

    flow = Flow()
    sr = DiffusionRestorer(flow, SCHEDULES["flow_matching"])
    sr.restore(start(0.3)[0], (16, 16), 200.0, SamplingSettings(steps=5))
    assert len(flow.sigmas) == 5 and min(flow.sigmas) > LEAST_SIGMA
