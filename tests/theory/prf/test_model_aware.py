"""The model-aware level: an exact Gaussian response as its oracle, identities, and what closes the field."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.degradation import added_psd, cubic_weights, transfer
from theory.gaussian import flow_limit, psnr
from theory.prf import BANDS, PRF, ModelAware, ModelResponse, Sensitivity
from theory.prf.model_aware import ModelAwareField
from theory.prf.spectral import frequency_nodes
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

LAW = PowerLaw(1e-3, 2.5)
M = len(BANDS) - 1
CENTRE = np.sqrt(np.maximum(BANDS[:-1], 0.05) * BANDS[1:])
MISSING = BANDS[:-1] >= 1
RATIOS = 4.0 ** np.arange(-4, 6)
RELATIVE = Sensitivity("relative", np.array([0.01, 0.1, 0.7]), np.array([1.0, 3.0, 2.0]))
EVERY = [
    NoiseSchedule.linear(),
    NoiseSchedule.cosine(),
    NoiseSchedule.flow_matching(),
    NoiseSchedule.karras(),
]


def response(gain, power, lr_up=None, scales=(3.0,), ratios=RATIOS):
    """A response from arrays that broadcast to (scales, ratios, bands); lr_up as an ideal low-pass by default."""
    shape = (len(scales), len(ratios), M)
    lr_up = np.where(MISSING, 0.0, 1.0) if lr_up is None else lr_up
    gain, power = (np.broadcast_to(np.asarray(values, dtype=np.float64), shape) for values in (gain, power))
    return ModelResponse(
        np.array(scales), np.array(ratios), gain, power, np.broadcast_to(lr_up, (len(scales), M))
    )


def field(given_response, scale=(3.0, 3.0), law=LAW, **changes):
    cutoff = float(np.mean(law(0.5 / np.array(scale))))
    ends = np.log(given_response.ratios[[0, -1]] / cutoff)
    options = {
        "psd": law, "scale": scale, "response": given_response, "sensitivity": Sensitivity.squared_error(),
        "eps_realism": 0.1, "eps_signature": 0.1, "lowest": 1 / 64, "log_snr_range": (float(ends[0]), float(ends[1])),
    }  # fmt: skip
    return ModelAwareField(**(options | changes))


def sharpening(strength=0.9):
    """Noise makes this model recover the missing bands, in place and phase, until it drowns the others."""
    drowned = 1 / (1 + np.log(RATIOS)[:, None] ** 2 / 8)
    gain = np.where(MISSING, strength * drowned, 1 - 0.02 / (1 + RATIOS[:, None]))
    return response(gain, gain**2)


@pytest.fixture(scope="module")
def gaussian():
    """Probability flow behind an ideal low-pass at x3: the exact bands, and the exact sums over a full grid."""
    n, scale = 256, 3.0
    f = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.fftfreq(n)[None, :])
    f = f[f > 1 / 64]
    psd, nu = LAW(f), 2 * scale * f
    kept = (nu < 1).astype(float)
    band = np.digitize(nu, BANDS) - 1
    ratios = 2.0 ** np.arange(-10, 11)

    def shares(ratio):
        chain = flow_limit((ratio / LAW(0.5 / scale)) ** -0.5, psd)
        return chain.gain * kept, chain.output_power(kept, psd) / psd, chain.squared_error(kept, psd)

    def mean(values):
        total = np.bincount(band, weights=psd, minlength=M)
        return np.bincount(band, weights=psd * values, minlength=M) / np.where(total > 0, total, np.nan)

    gain, power = (np.stack([mean(shares(r)[k]) for r in ratios])[None] for k in (0, 1))
    exact = ModelResponse(np.array([scale]), ratios, gain, power, np.where(MISSING, 0.0, 1.0)[None])
    return exact, shares, psd, kept, n * n


@pytest.mark.parametrize("ratio", [0.01, 0.3, 1.0, 7.0, 90.0])
def test_an_exact_gaussian_response_gives_the_exact_field(gaussian, ratio):
    # What is left: quadrature, bands that hold one mean each, splines between the noise levels.
    exact, shares, psd, kept, count = gaussian
    gain, power, error = shares(ratio)
    snr = ratio / LAW(1 / 6)
    ours = field(exact)
    assert float(ours.squared_error(snr)) == pytest.approx(error.sum() / count, rel=0.02)
    deficit = (psd * (1 - np.sqrt(power)) ** 2).sum() / (psd * (1 - kept)).sum()
    assert float(ours.realism_deficit(snr)) == pytest.approx(deficit, abs=0.02)
    carried = (psd * gain / np.sqrt(power)).sum() / psd.sum()
    assert float(ours.signature_loss(snr)) == pytest.approx(1 - carried, abs=0.01)


def test_the_exact_gaussian_optimum_is_found(gaussian):
    exact, shares, *_ = gaussian
    fine = np.exp(np.linspace(np.log(1e-3), np.log(1e3), 70))
    best = fine[np.argmin([shares(ratio)[2].sum() for ratio in fine])]
    found = np.exp(field(exact).log_snr_opt) * LAW(1 / 6)
    assert np.log(found) == pytest.approx(np.log(best), abs=0.15)


def test_the_upsampled_image_s_error_is_that_of_real_resampling(make_field):
    n, rng, error, draws = 96, np.random.default_rng(4), 0.0, 30
    down, up = cubic_weights(n, n // 3), cubic_weights(n // 3, n)
    for _ in range(draws):
        hr = make_field(LAW, (n, n), rng)
        error += np.mean((up @ (down @ hr @ down.T) @ up.T - hr)[12:-12, 12:-12] ** 2) / draws
    ours = field(response(1.0, 1.0), lowest=0.6 / n).upsampled_metric
    assert ours == pytest.approx(error, rel=0.04)


def test_the_upsampled_metric_sums_the_kernel_s_own_bands():
    fy, fx, weight = frequency_nodes(1 / 64)
    psd = LAW(np.hypot(fy, fx))
    gain, added = transfer(fy, fx, (2.0, 3.0)), added_psd(fy, fx, (2.0, 3.0), LAW)
    coherent, _ = RELATIVE.charge(np.hypot(fy, fx), psd)
    expected = weight @ (coherent * ((1 - gain) ** 2 + added / psd))
    ours = field(response(1.0, 1.0), scale=(2.0, 3.0), sensitivity=RELATIVE).upsampled_metric
    assert ours == pytest.approx(expected, rel=1e-9)


@settings(deadline=None, max_examples=40)
@given(gain=st.floats(-0.5, 1.2), extra=st.floats(0, 2), snr=st.floats(1e-3, 1e6), scale=st.floats(1.1, 8))
def test_a_response_that_is_alike_everywhere_leaves_one_number(gain, extra, snr, scale):
    power = gain**2 + extra
    ours = field(response(gain, power), scale=(scale, scale))
    fy, fx, weight = frequency_nodes(1 / 64)
    total = weight @ LAW(np.hypot(fy, fx))
    assert float(ours.squared_error(snr)) == pytest.approx((1 - 2 * gain + power) * total, rel=1e-9)
    correlation = np.clip(gain / np.sqrt(max(power, 1e-12)), 0, 1)
    assert float(ours.signature_loss(snr)) == pytest.approx(1 - correlation, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), scale=st.tuples(st.floats(1.1, 8), st.floats(1.1, 8)))
def test_for_the_squared_error_the_criterion_is_the_squared_error(seed, scale):
    rng = np.random.default_rng(seed)
    gain = rng.uniform(-0.2, 1, (1, len(RATIOS), M))
    ours = field(response(gain, gain**2 + rng.uniform(0, 1, gain.shape)), scale=scale)
    level = np.linspace(*ours.log_snr_range, 17)
    np.testing.assert_allclose(ours.curves(level).objective, ours.squared_error(np.exp(level)), rtol=1e-12)


@pytest.mark.parametrize("sensitivity", [Sensitivity.squared_error(), RELATIVE], ids=["absolute", "relative"])
@pytest.mark.parametrize("factor", [0.1, 8.0])
def test_only_the_ratio_to_the_cutoff_s_power_counts(sensitivity, factor):
    one = field(sharpening(), sensitivity=sensitivity)
    louder = field(sharpening(), law=PowerLaw(factor * 1e-3, 2.5), sensitivity=sensitivity)
    assert louder.log_snr_opt == pytest.approx(one.log_snr_opt - np.log(factor), abs=1e-4)
    # In units of squared error an image with more power loses more; a relative metric does not see its power.
    expected = 1.0 if sensitivity.is_relative else factor
    snr = np.exp(one.log_snr_opt)
    ratio = louder.curves(np.log(snr / factor)).objective / one.curves(np.log(snr)).objective
    assert float(ratio[0]) == pytest.approx(expected, rel=1e-9)


def test_a_higher_charge_of_invented_power_asks_for_less_noise():
    invented = np.where(MISSING, 0.5 / (1 + RATIOS[:, None]), 0.0)
    gain = sharpening().gain[0]
    mixed = response(gain, gain**2 + invented)
    found = [
        field(mixed, sensitivity=Sensitivity("m", RELATIVE.frequency, RELATIVE.octave, excess)).log_snr_opt
        for excess in (0.2, 1.0, 5.0)
    ]
    assert found[0] < found[1] < found[2]


def test_equal_snr_on_every_schedule():
    for scale in (2.0, (2.0, 4.0)):
        found = [PRF(schedule, LAW, ModelAware(sharpening(), RELATIVE)).predict(scale) for schedule in EVERY]
        assert not any("t_opt" in p.clipped for p in found)
        np.testing.assert_allclose([p.snr_opt for p in found], found[0].snr_opt, rtol=1e-5)


def test_inside_the_field_every_condition_holds_and_at_its_ends_one_just_does():
    ours = field(sharpening(), sensitivity=RELATIVE, eps_realism=0.5, eps_signature=0.3)
    low, high = ours.log_snr_high, ours.log_snr_low
    assert low < ours.log_snr_opt < high and ours.excess_loss < 0

    def margins(level):
        curves = ours.curves(level)
        return np.stack(
            [0.5 - curves.realism, 0.3 - curves.signature, 1 - curves.objective / ours.upsampled_metric]
        )

    assert margins(np.linspace(low + 1e-6, high - 1e-6, 50)).min() > 0
    for end in (low, high):
        if end not in ours.log_snr_range:
            assert margins(end).min() == pytest.approx(0, abs=1e-7)
    assert high not in ours.log_snr_range and margins(high + 0.1).min() < 0


def prediction(given_response):
    level = ModelAware(given_response, RELATIVE)
    return PRF(NoiseSchedule.linear(), LAW, level, eps_realism=0.6, eps_signature=0.3).predict(3.0)


def test_a_model_that_recovers_the_missing_bands_has_a_field():
    p = prediction(sharpening())
    assert p.is_open and p.t_low < p.t_opt < p.t_high and p.critical_scale > 3
    assert "the field is open" in p.explanation


@pytest.mark.parametrize(
    ("gain", "power"),
    [
        (np.clip(1.3 - CENTRE, 0, 1), np.clip(1.3 - CENTRE, 0, 1) ** 2),
        (np.where(MISSING, 0.0, 1.0), np.ones(M)),
        (np.zeros(M), np.ones(M)),
    ],
    ids=["hands the blur back", "invents every detail", "forgets the image"],
)
def test_a_model_that_betters_nothing_has_an_empty_field_and_says_so(gain, power):
    lr_up = np.clip(1.3 - CENTRE, 0, 1) ** 2
    p = prediction(response(gain, power, lr_up))
    assert not p.is_open and p.critical_scale == 1
    assert "the field is empty, since no noise level lets this model better" in p.explanation
    assert 0 <= p.t_opt <= 999


def test_a_blur_that_is_handed_back_has_all_of_its_realism_deficit():
    lr_up = np.clip(1.3 - CENTRE, 0, 1) ** 2
    ours = field(response(np.sqrt(lr_up), lr_up, lr_up))
    np.testing.assert_allclose(ours.realism_deficit(np.exp(np.linspace(*ours.log_snr_range, 9))), 1)
    assert ours.log_snr_low == -np.inf and ours.log_snr_high == np.inf


@pytest.mark.parametrize("charge", [1.0, 1e3])
def test_scale_one_misses_nothing(charge):
    # However much the metric charges for what the model does to an image that lacks nothing.
    metric = Sensitivity("m", RELATIVE.frequency, charge * RELATIVE.octave)
    p = PRF(NoiseSchedule.linear(), LAW, ModelAware(sharpening(), metric)).predict(1.0)
    assert p.t_low == p.t_opt == 0 and p.is_open
    assert "nothing is missing" in p.explanation


def test_beyond_what_was_measured_the_ends_serve():
    ours = field(sharpening())
    low, high = ours.log_snr_range
    assert float(ours.squared_error(np.exp(high + 5))) == float(ours.squared_error(np.exp(high)))
    assert float(ours.squared_error(np.exp(low - 5))) == float(ours.squared_error(np.exp(low)))


def test_predicted_psnr_is_the_model_s_own():
    prf = PRF(NoiseSchedule.linear(), LAW, ModelAware(sharpening(), size=64))
    t = np.array([5.0, 50.0, 300.0])
    expected = psnr(field(sharpening()).squared_error(prf.schedule.snr(t)))
    np.testing.assert_allclose(prf.predicted_psnr(t, 3.0), expected)
    assert prf.predicted_psnr(5.0, 3.0) == pytest.approx(expected[0])
