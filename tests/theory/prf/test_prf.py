"""The field: order, monotony, agreement of its two levels, edges and refusals."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from theory.degradation import Degradation
from theory.errors import ScaleError, TimestepError, ToolkitError
from theory.prf import PRF, ClosedForm, OnPaper, Spectral
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw, radial_psd

LAW = PowerLaw(2e-4, 3.0)
SCHEDULES = [
    NoiseSchedule.linear(),
    NoiseSchedule.scaled_linear(),
    NoiseSchedule.cosine(),
    NoiseSchedule.sigmoid(),
    NoiseSchedule.flow_matching(),
    NoiseSchedule.karras(),
]
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.name)
both_levels = pytest.mark.parametrize("level", ["closed_form", "spectral"])
scales = st.floats(1.05, 16)


@every_schedule
@settings(deadline=None, max_examples=60)
@given(scale=scales, c=st.floats(0.1, 3), exponent=st.floats(1, 3.5), amplitude=st.floats(1e-4, 1e-2))
def test_closed_form_is_the_formula(schedule, scale, c, exponent, amplitude):
    law = PowerLaw(amplitude, exponent)
    p = PRF(schedule, law, OnPaper(c)).predict(scale)
    wanted = c * (1 / (2 * scale)) ** exponent / amplitude
    low, high = schedule.snr(schedule.t_max), schedule.snr(schedule.t_min)
    assert p.snr_opt == pytest.approx(float(np.clip(wanted, low, high)), rel=1e-6)
    assert schedule.snr(p.t_opt) == pytest.approx(p.snr_opt)
    assert schedule.snr(p.t_low) == pytest.approx(p.snr_low)
    assert schedule.snr(p.t_high) == pytest.approx(p.snr_high)


def test_orientation_values():
    # c = 1 and a steep photograph on the linear schedule; a looser or tighter image moves them by two.
    t = {s: PRF(NoiseSchedule.linear(), LAW).predict(s).t_opt for s in (2, 3, 4, 6, 8, 16)}
    expected = {2: 28, 3: 55, 4: 83, 6: 150, 8: 220, 16: 420}
    for scale, value in expected.items():
        assert t[scale] == pytest.approx(value, rel=0.15)


@every_schedule
@both_levels
def test_larger_scales_need_more_noise(schedule, level):
    prf = PRF(schedule, LAW, level=level)
    found = [prf.predict(s) for s in (1, 1.2, 1.6, 2.7, 4, 6, 9)]
    low, opt = [p.t_low for p in found], [p.t_opt for p in found]
    assert np.all(np.diff(low) > 0) and np.all(np.diff(opt) > 0)
    high = [p.t_high for p in found]
    assert np.all(np.diff(high) <= 1e-9)


@both_levels
def test_field_is_where_both_tolerances_hold(level):
    prf = PRF(NoiseSchedule.cosine(), LAW, level=level, eps_realism=0.15, eps_signature=0.2)
    p = prf.predict(3.0)
    assert p.is_open and p.t_low < p.t_high
    assert prf.realism_deficit(p.t_low, 3.0) == pytest.approx(0.15, abs=1e-6)
    assert prf.signature_loss(p.t_high, 3.0) == pytest.approx(0.2, abs=1e-6)
    inside = np.linspace(p.t_low + 0.01, p.t_high - 0.01, 50)
    assert np.all(prf.realism_deficit(inside, 3.0) <= 0.15) and np.all(prf.signature_loss(inside, 3.0) <= 0.2)
    assert prf.realism_deficit(p.t_low - 1, 3.0) > 0.15 and prf.signature_loss(p.t_high + 1, 3.0) > 0.2


@both_levels
@pytest.mark.parametrize("scale", [1.5, 4.0, (2.0, 3.0)])
def test_curves_are_shares_that_fall_and_grow(level, scale):
    prf = PRF(NoiseSchedule.linear(), LAW, level=level)
    t = np.linspace(0, 999, 200).reshape(20, 10)
    realism, loss = prf.realism_deficit(t, scale), prf.signature_loss(t, scale)
    assert realism.shape == loss.shape == (20, 10)
    assert realism.min() >= 0 and realism.max() <= 1 and loss.min() >= 0 and loss.max() <= 1
    assert np.all(np.diff(realism.ravel()) <= 0) and np.all(np.diff(loss.ravel()) >= 0)
    assert type(prf.realism_deficit(10, scale)) is float and type(prf.signature_loss(10, scale)) is float


@both_levels
def test_critical_scale_separates_open_from_empty(level):
    prf = PRF(NoiseSchedule.linear(), LAW, level=level)
    limit = prf.critical_scale
    assert 3 < limit < 20
    assert prf.predict(0.99 * limit).is_open and not prf.predict(1.01 * limit).is_open
    assert prf.predict(2.0).critical_scale == limit


def test_critical_scale_is_a_property_of_the_images_not_of_the_schedule():
    for level in ("closed_form", "spectral"):
        limits = {round(PRF(s, LAW, level=level).critical_scale, 6) for s in SCHEDULES}
        assert len(limits) == 1


def test_empty_field_is_reported():
    p = PRF(NoiseSchedule.linear(), LAW).predict(14.0)
    assert not p.is_open and p.t_low > p.t_high
    assert "empty" in p.explanation and "best compromise" in p.explanation


@both_levels
def test_scale_one_misses_nothing(level):
    p = PRF(NoiseSchedule.cosine(), LAW, level=level).predict(1)
    assert p.t_low == p.t_opt == 0 < p.t_high and p.is_open and p.scale == (1.0, 1.0)
    assert "nothing is missing" in p.explanation
    assert PRF(NoiseSchedule.cosine(), LAW, level=level).realism_deficit(5.0, 1) == 0


@pytest.mark.parametrize("exponent", [2.0, 2.5, 3.0])
def test_levels_agree_on_the_law_of_the_optimum(exponent):
    # The true kernel cuts earlier than an ideal low-pass, hence a constant factor; but the same at every scale.
    law = PowerLaw(3e-4, exponent)
    ratios = []
    # Scales from 2.7, below which the band between cut-off and Nyquist is too narrow for the limit.
    for scale in (2.7, 4.0, 6.0, 9.0):
        # A large image: at the lowest frequencies the law no longer is free of scale.
        exact = PRF(NoiseSchedule.karras(), law, Spectral(size=1024)).predict(scale)
        ratios.append(exact.snr_opt / PRF(NoiseSchedule.karras(), law).predict(scale).snr_opt)
    assert 0.4 < np.mean(ratios) < 1
    assert np.ptp(ratios) / np.mean(ratios) < 0.03


@pytest.mark.parametrize("scale", [(2.0, 3.0), (2.0, 4.0), (6.0, 2.0)])
def test_unequal_scales_count_as_the_spectral_level_says(scale):
    # Scale (s_y, s_x) has the optimum of the effective scale; the two levels agree on which one that is.
    law = PowerLaw(3e-4, 2.0)
    one = ClosedForm(law, scale, 1.0, 0.1, 0.1, 1 / 32).effective_scale
    prf = PRF(NoiseSchedule.karras(), law, Spectral(size=1024))
    assert prf.predict(scale).snr_opt == pytest.approx(prf.predict(one).snr_opt, rel=0.08)
    assert one == pytest.approx(math.sqrt((scale[0] ** 2 + scale[1] ** 2) / 2))


@both_levels
def test_measured_spectrum_of_a_photograph(level):
    spectrum = radial_psd(data.camera() / 127.5 - 1)
    p = PRF(NoiseSchedule.linear(), spectrum, level=level).predict(3.0)
    assert 5 < p.t_opt < 300 and p.level == level


def test_t_opt_has_no_grid():
    prf = PRF(NoiseSchedule.linear(), LAW, level="spectral")
    t = np.array([prf.predict(s).t_opt for s in np.linspace(3, 3.02, 9)])
    steps = np.diff(t)
    assert np.all(steps > 0) and steps.std() < 0.02 * steps.mean()


def levels_from(schedule, steps):
    def trajectory(t):
        return np.append(np.geomspace(schedule.sigma(t), schedule.sigma(schedule.t_min), steps + 1)[:-1], 0)

    return trajectory


@pytest.mark.parametrize(("eta", "tolerance"), [(0.0, 0.05), (1.0, 0.05)])
def test_real_step_lists_converge_to_the_limit(eta, tolerance):
    schedule = NoiseSchedule.linear()
    many = PRF(schedule, LAW, Spectral(eta=eta, trajectory=levels_from(schedule, 150)))
    limit = PRF(schedule, LAW, Spectral(eta=eta))
    t = np.array([20.0, 80.0, 200.0])
    np.testing.assert_allclose(many.predicted_psnr(t, 4.0), limit.predicted_psnr(t, 4.0), atol=0.1)
    np.testing.assert_allclose(many.realism_deficit(t, 4.0), limit.realism_deficit(t, 4.0), atol=tolerance)


def test_few_steps_restore_less():
    schedule = NoiseSchedule.linear()
    few = PRF(schedule, LAW, Spectral(trajectory=levels_from(schedule, 5), eta=0.5))
    exact = PRF(schedule, LAW, level="spectral")
    assert few.realism_deficit(150.0, 4.0) > exact.realism_deficit(150.0, 4.0)
    assert few.predict(4.0).t_low > exact.predict(4.0).t_low


def test_predicted_psnr_falls_with_noise_and_scale():
    prf = PRF(NoiseSchedule.linear(), LAW)
    curve = prf.predicted_psnr(np.array([10.0, 100.0, 400.0]), 4.0)
    assert np.all(np.diff(curve) < 0)
    assert prf.predicted_psnr(10.0, 2.0) > prf.predicted_psnr(10.0, 4.0)


def test_timesteps_beyond_the_schedule_are_clipped_and_said_so():
    bright = PowerLaw(10.0, 3.0)
    p = PRF(NoiseSchedule.karras(sigma_max=0.5), bright).predict(8.0)
    assert p.t_opt == 999 and "t_opt" in p.explanation and "clipped" in p.explanation
    faint = PRF(NoiseSchedule.linear(), PowerLaw(1e-9, 1.0)).predict(2.0)
    assert faint.t_opt == 0 and "clipped" in faint.explanation
    assert "clipped" not in PRF(NoiseSchedule.linear(), LAW).predict(4.0).explanation


def test_zero_terminal_snr_is_no_obstacle():
    schedule = NoiseSchedule.from_alphas_cumprod(np.append(NoiseSchedule.linear(50).alphas_cumprod[:-1], 0))
    for level in ("closed_form", "spectral"):
        prf = PRF(schedule, LAW, level=level)
        assert prf.realism_deficit(schedule.t_max, 4.0) == pytest.approx(0, abs=1e-4)
        assert prf.signature_loss(schedule.t_max, 4.0) == pytest.approx(1, abs=1e-2)
        assert np.isfinite(prf.predict(4.0).t_opt)


def test_prediction_names_its_metric_and_is_a_value():
    prf = PRF(NoiseSchedule.linear(), LAW, metric="feature_distance")
    assert prf.predict(4.0) == prf.predict((4.0, 4.0)) and prf.predict(4.0).metric == "feature_distance"
    assert "x2 by x3" in prf.predict((2.0, 3.0)).explanation
    with pytest.raises(AttributeError):
        prf.predict(2.0).t_opt = 5


@pytest.mark.parametrize("scale", [0.5, 0, -1, np.nan, np.inf, (2, 0.9), "x4"])
def test_bad_scales_are_refused(scale):
    with pytest.raises(ScaleError, match="scale = "):
        PRF(NoiseSchedule.linear(), LAW).predict(scale)


def test_bad_timesteps_are_refused():
    with pytest.raises(TimestepError):
        PRF(NoiseSchedule.linear(), LAW).realism_deficit(1000.0, 2.0)


@pytest.mark.parametrize(
    "options",
    [
        {"eps_realism": 0}, {"eps_signature": 1.0}, {"eps_realism": np.nan}, {"level": "exact"},
    ],
)  # fmt: skip
def test_bad_options_are_refused(options):
    with pytest.raises(ToolkitError):
        PRF(NoiseSchedule.linear(), LAW, **options)


def test_degradation_moves_the_spectral_optimum():
    clean = PRF(NoiseSchedule.linear(), LAW, level="spectral").predict(2.0)
    soft = PRF(NoiseSchedule.linear(), LAW, Spectral(degradation=Degradation(blur_sigma=3.0))).predict(2.0)
    assert soft.t_opt > clean.t_opt


@pytest.mark.parametrize(
    ("c", "said"), [(100.0, "prefers fidelity"), (1.0, "just drowns"), (1e-3, "prefers realism")]
)
def test_explanation_says_on_which_side_of_the_field_the_optimum_lies(c: float, said: str) -> None:
    prediction = PRF(NoiseSchedule.linear(), LAW, OnPaper(c)).predict(4.0)
    assert prediction.is_open
    assert said in prediction.explanation


@both_levels
def test_the_interval_is_one_standard_error_of_the_power_at_the_cutoff(level):
    schedule = NoiseSchedule.linear()
    widths = []
    for std in (0.1, 0.3, 0.6):
        at_one_cycle = math.hypot(0.2, std * math.log(0.05))
        law = PowerLaw(LAW.amplitude, LAW.exponent, at_one_cycle, std, pivot=0.05)
        p = PRF(schedule, law, level=level).predict(4.0)
        low, high = p.t_opt_interval
        assert low < p.t_opt < high
        doubt = float(law.log_std(1 / 8))
        assert np.log(schedule.snr(low) / p.snr_opt) == pytest.approx(doubt, rel=1e-6)
        assert np.log(p.snr_opt / schedule.snr(high)) == pytest.approx(doubt, rel=1e-6)
        assert f"68 % from {low:.3g} to {high:.3g}" in p.explanation
        widths.append((low, high))
    assert widths[0][0] > widths[1][0] > widths[2][0] and widths[0][1] < widths[1][1] < widths[2][1]


@both_levels
def test_a_law_that_was_given_has_no_interval(level):
    for spectrum in (LAW, radial_psd(data.camera() / 127.5 - 1)):
        p = PRF(NoiseSchedule.linear(), spectrum, level=level).predict(3.0)
        assert p.t_opt_interval == (p.t_opt, p.t_opt) and "68 %" not in p.explanation


def test_the_interval_stays_inside_the_schedule():
    wild = PowerLaw(LAW.amplitude, LAW.exponent, 30.0, 1.0)
    assert PRF(NoiseSchedule.linear(), wild).predict(4.0).t_opt_interval == (0.0, 999.0)
    assert PRF(NoiseSchedule.linear(), wild).predict(1.0).t_opt_interval == (0.0, 0.0)


@both_levels
def test_a_prediction_computes_the_critical_scale_only_when_asked(level, monkeypatch):
    asked = []

    def spy(prf):
        asked.append(prf)
        return 7.5

    monkeypatch.setattr(PRF, "critical_scale", property(spy))
    p = PRF(NoiseSchedule.linear(), LAW, level=level).predict(4.0)
    assert p.is_open and not asked
    assert p.critical_scale == 7.5 and "closes at x7.5" in p.explanation and asked


def test_a_note_ends_the_explanation():
    p = PRF(NoiseSchedule.linear(), LAW).predict(4.0)
    assert replace(p, note="It is blurred.").explanation == p.explanation + " It is blurred."


PHOTOGRAPHIC = PowerLaw(6e-4, 2.6)


@pytest.mark.parametrize("weight", [7.0, 14.0, 60.0])
@pytest.mark.parametrize("scale", [2.0, 4.0])
def test_more_blur_and_compression_ask_for_more_noise(scale, weight):
    # Not so for metrics that prefer fidelity (small weights): what blur took, injected noise does not bring back.
    # Nor for LR noise, whose power fills up the missing power until it is too much.
    def t_opt(degradation):
        prf = PRF(NoiseSchedule.linear(), PHOTOGRAPHIC, Spectral(weight=weight, degradation=degradation))
        return prf.predict(scale).t_opt

    blurred = [t_opt(Degradation(blur)) for blur in (0.0, 0.5, 1.0, 1.5, 2.5)]
    coarse = [t_opt(Degradation(jpeg_quality=quality)) for quality in (95, 90, 75, 50, 30, 10)]
    assert np.all(np.diff(blurred) > 0)
    assert np.all(np.diff(coarse) > 0) and coarse[0] >= blurred[0] - 0.5


@pytest.mark.parametrize("scale", [2.0, 4.0])
def test_fidelity_asks_for_noise_to_drown_the_images_own(scale):
    def t_opt(degradation):
        prf = PRF(NoiseSchedule.linear(), PHOTOGRAPHIC, Spectral(weight=0.5, degradation=degradation))
        return prf.predict(scale).t_opt

    assert np.all(
        np.diff([t_opt(Degradation(noise_std=noise)) for noise in (0.01, 0.02, 0.05, 0.1, 0.2)]) > 0
    )
