"""Schedules: exact inverses, diffusers' numbers, and refusals that say why."""

from __future__ import annotations

import pickle
import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import TimestepError, ToolkitError
from theory.schedules import NoiseSchedule

BETA_SCHEDULES = {
    "linear": (NoiseSchedule.linear(), {"beta_start": 1e-4, "beta_end": 0.02}),
    "scaled_linear": (NoiseSchedule.scaled_linear(), {"beta_start": 0.00085, "beta_end": 0.012}),
    "squaredcos_cap_v2": (NoiseSchedule.cosine(), {}),
    "sigmoid": (NoiseSchedule.sigmoid(), {"beta_start": 1e-4, "beta_end": 0.02}),
}
ZERO_TERMINAL = NoiseSchedule.from_alphas_cumprod([0.99, 0.7, 0.2, 0.01, 0.0], name="zero_terminal")
FAMILIES = [
    *(schedule for schedule, _ in BETA_SCHEDULES.values()),
    NoiseSchedule.flow_matching(),
    NoiseSchedule.karras(),
    NoiseSchedule.exponential(),
    NoiseSchedule.linear(50, 1e-3, 0.2),
    ZERO_TERMINAL,
]
by_name = pytest.mark.parametrize("schedule", FAMILIES, ids=lambda s: f"{s.name}{s.num_train_timesteps}")


@by_name
@settings(deadline=None, max_examples=200)
@given(share=st.floats(0, 1))
def test_every_map_has_its_exact_inverse(schedule, share):
    t = schedule.t_min + share * (schedule.t_max - schedule.t_min)
    tolerance = {"rel": 1e-9, "abs": 1e-9}
    assert schedule.t_of_snr(schedule.snr(t)) == pytest.approx(t, **tolerance)
    assert schedule.t_of_sigma(schedule.sigma(t)) == pytest.approx(t, **tolerance)
    if schedule.alpha_cumprod(t) < 1 - 1e-6:  # nearer to 1 a float no longer tells two timesteps apart
        assert schedule.t_of_alpha_cumprod(schedule.alpha_cumprod(t)) == pytest.approx(t, rel=1e-6, abs=1e-6)


@by_name
def test_noise_grows_and_the_names_agree(schedule):
    t = np.linspace(schedule.t_min, schedule.t_max, 3001)
    sigma, snr = schedule.sigma(t), schedule.snr(t)
    assert np.all(np.diff(sigma) > 0) and np.all(np.diff(snr) < 0)
    inner = slice(0, -1)
    np.testing.assert_allclose(snr[inner], sigma[inner] ** -2)
    np.testing.assert_allclose(schedule.log_snr(t[inner]), np.log(snr[inner]))
    np.testing.assert_allclose(schedule.alpha_cumprod(t), snr / (1 + snr))


@pytest.mark.parametrize(
    ("scheduler", "name"),
    [
        (scheduler, name)
        for scheduler in ("DDPMScheduler", "DDIMScheduler")
        for name in BETA_SCHEDULES
        if (scheduler, name) != ("DDIMScheduler", "sigmoid")  # diffusers has that in DDPM alone
    ],
)
def test_discrete_families_are_diffusers_own(scheduler, name):
    diffusers = pytest.importorskip("diffusers")
    ours, betas = BETA_SCHEDULES[name]
    theirs = getattr(diffusers, scheduler)(num_train_timesteps=1000, beta_schedule=name, **betas)
    expected = theirs.alphas_cumprod.double().numpy()
    t = np.arange(1000.0)
    # diffusers works in float32, and a product of 1000 of those is good to some 1e-5.
    np.testing.assert_allclose(ours.alphas_cumprod, expected, rtol=2e-4, atol=1e-7)
    np.testing.assert_allclose(ours.alpha_cumprod(t), ours.alphas_cumprod, rtol=1e-12)
    read = NoiseSchedule.from_diffusers(theirs)
    assert (read.name, read.num_train_timesteps) == (name, 1000)
    np.testing.assert_array_equal(read.alphas_cumprod, expected)
    np.testing.assert_allclose(read.alpha_cumprod(t), expected, rtol=1e-12)


def test_zero_terminal_snr_of_diffusers():
    diffusers = pytest.importorskip("diffusers")
    theirs = diffusers.DDIMScheduler(rescale_betas_zero_snr=True, beta_schedule="scaled_linear")
    schedule = NoiseSchedule.from_diffusers(theirs)
    assert schedule.snr(schedule.t_max) == 0 and schedule.sigma(schedule.t_max) == np.inf
    assert schedule.t_of_snr(0.0) == schedule.t_max
    halfway = schedule.t_max - 0.5
    assert 0 < schedule.snr(halfway) < schedule.snr(schedule.t_max - 1)
    assert schedule.t_of_snr(schedule.snr(halfway)) == pytest.approx(halfway, abs=1e-9)


@pytest.mark.parametrize("spacing", ["karras", "exponential"])
def test_edm_of_diffusers(spacing):
    diffusers = pytest.importorskip("diffusers")
    theirs = diffusers.EDMEulerScheduler(sigma_min=0.01, sigma_max=50.0, sigma_schedule=spacing)
    theirs.set_timesteps(1000)
    schedule = NoiseSchedule.from_diffusers(theirs)
    assert schedule.name == spacing
    expected = np.sort(theirs.sigmas.double().numpy())
    expected = expected[expected > 0]
    np.testing.assert_allclose(schedule.sigma(np.arange(1000.0)), expected, rtol=1e-5)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flow_matching_of_diffusers(shift):
    diffusers = pytest.importorskip("diffusers")
    theirs = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)
    theirs.set_timesteps(20)
    schedule = NoiseSchedule.from_diffusers(theirs)
    inner = slice(1, 20)  # the first is pure noise, where the SNR is zero
    t, u = theirs.timesteps.double().numpy()[inner], theirs.sigmas.double().numpy()[inner]
    np.testing.assert_allclose(schedule.sigma(t), u / (1 - u), rtol=1e-5)


def test_flow_sigmas_of_a_beta_scheduler_win_over_its_betas():
    solver = SimpleNamespace(alphas_cumprod=[0.9, 0.5], config={"use_flow_sigmas": True})
    assert NoiseSchedule.from_diffusers(solver) == NoiseSchedule.flow_matching()


def test_unknown_scheduler_is_refused():
    with pytest.raises(ToolkitError, match=r"SimpleNamespace.*from_alphas_cumprod"):
        NoiseSchedule.from_diffusers(SimpleNamespace(config={}))


def test_log_snr_is_linear_between_whole_timesteps():
    schedule = NoiseSchedule.cosine()
    middle = (schedule.log_snr(300.0) + schedule.log_snr(301.0)) / 2
    assert schedule.log_snr(300.5) == pytest.approx(middle, rel=1e-12)


def test_flow_matching_by_hand():
    schedule = NoiseSchedule.flow_matching(1000)
    assert schedule.snr(250.0) == pytest.approx(9.0)
    assert schedule.t_of_sigma(1.0) == pytest.approx(500.0)
    assert schedule.alphas_cumprod is None


def test_scalars_give_floats_and_arrays_keep_their_shape():
    schedule = NoiseSchedule.linear()
    assert type(schedule.snr(3)) is float and type(schedule.t_of_snr(1)) is float
    assert schedule.sigma(np.ones((2, 3), dtype=np.float32)).shape == (2, 3)
    assert schedule.snr(np.array([])).shape == (0,)
    assert schedule.clip(-5.0) == 0 and schedule.clip(5e3) == 999


@by_name
def test_schedules_are_values(schedule):
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert len({schedule, pickle.loads(pickle.dumps(schedule))}) == 1
    with pytest.raises(AttributeError):
        schedule.name = "other"


def test_the_table_cannot_be_changed_from_outside():
    schedule = NoiseSchedule.linear()
    schedule.alphas_cumprod[:] = 0
    assert schedule.alphas_cumprod[0] == pytest.approx(0.9999)


@by_name
@pytest.mark.parametrize("t", [-1.0, 1000.0, 1e9, np.nan, np.inf])
def test_timesteps_outside_are_refused(schedule, t):
    with pytest.raises(TimestepError, match=rf"t = {re.escape(f'{t:g}')} .*{schedule.name}.*clip"):
        schedule.snr(t)


@pytest.mark.parametrize("snr", [-1.0, 0.0, 1e12, np.nan, np.inf])
def test_unreached_snr_is_refused(snr):
    with pytest.raises(TimestepError, match=rf"snr = {re.escape(f'{snr:g}')} .*spans"):
        NoiseSchedule.linear().t_of_snr(snr)


def test_the_bad_value_of_an_array_is_named():
    with pytest.raises(TimestepError, match=r"t = -7 \(1 of 3 values\)"):
        NoiseSchedule.linear().sigma(np.array([3.0, -7.0, 5.0]))


@pytest.mark.parametrize(
    "values", [[], [0.5], [[0.9, 0.5]], [1.0, 0.5], [0.5, 0.9], [0.9, 0.0, 0.0], [0.9, np.nan]]
)
def test_bad_tables_are_refused(values):
    with pytest.raises(ToolkitError, match="alphas_cumprod"):
        NoiseSchedule.from_alphas_cumprod(values)


@pytest.mark.parametrize(
    "build",
    [
        lambda: NoiseSchedule.linear(1),
        lambda: NoiseSchedule.cosine(10.5),
        lambda: NoiseSchedule.karras(sigma_min=2, sigma_max=1),
        lambda: NoiseSchedule.exponential(sigma_min=0.0),
    ],
)
def test_bad_parameters_are_refused(build):
    with pytest.raises(ToolkitError):
        build()
