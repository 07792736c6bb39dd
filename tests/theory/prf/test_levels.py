"""The levels as objects: their settings, their names, and that each answers for itself."""

from __future__ import annotations

import numpy as np
import pytest

from theory.degradation import Degradation
from theory.errors import ToolkitError
from theory.gaussian import psnr
from theory.prf import BANDS, PRF, ModelAware, ModelResponse, OnPaper, Sensitivity, Spectral, optimal_weight
from theory.prf.levels import as_level
from theory.scale import ScalePair
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

LAW = PowerLaw(2e-4, 3.0)
SCHEDULE = NoiseSchedule.exponential(sigma_min=1e-4, sigma_max=1e3)
SCALE = ScalePair(3.0, 3.0)
T = np.array([200.0, 400.0, 700.0])


def response():
    ratios, missing = 4.0 ** np.arange(-4, 6), BANDS[:-1] >= 1
    gain = np.where(missing, 0.6, 0.98) / (1 + 0.1 / ratios[:, None])
    return ModelResponse(
        np.array([3.0]), ratios, gain[None], gain[None] ** 2, np.where(missing, 0.0, 1.0)[None]
    )


LEVELS = [
    OnPaper(),
    OnPaper(0.3, 1 / 16),
    Spectral(),
    Spectral(weight=2.0, size=64, eta=1.0, degradation=Degradation(1.0)),
    ModelAware(response()),
    ModelAware(response(), Sensitivity("m", np.array([0.01, 0.5]), np.array([1.0, 2.0]), 1.5), size=64),
]
every_level = pytest.mark.parametrize("level", LEVELS, ids=lambda level: f"{level.name}")


@every_level
def test_a_level_s_field_is_the_predictor_s(level):
    prf = PRF(SCHEDULE, LAW, level, eps_realism=0.6, eps_signature=0.3)
    prediction, field = prf.predict(SCALE), level.field(prf, SCALE)
    assert prf.level is level and prediction.level == level.name and prediction.prf is prf
    assert np.log(prediction.snr_opt) == pytest.approx(field.log_snr_opt, rel=1e-9)
    np.testing.assert_array_equal(prf.realism_deficit(T, SCALE), field.realism_deficit(SCHEDULE.snr(T)))
    np.testing.assert_array_equal(prf.signature_loss(T, SCALE), field.signature_loss(SCHEDULE.snr(T)))
    error = level.squared_error(prf, SCALE, SCHEDULE.snr(T))
    np.testing.assert_array_equal(prf.predicted_psnr(T, SCALE), psnr(error))
    assert prf.critical_scale == level.critical_scale(prf)


def test_on_paper_the_error_is_that_of_the_exact_chain():
    on_paper, spectral = (
        PRF(SCHEDULE, LAW, level).predicted_psnr(T, SCALE) for level in (OnPaper(0.3), Spectral())
    )
    np.testing.assert_array_equal(on_paper, spectral)


@pytest.mark.parametrize("level", [OnPaper(), Spectral()], ids=lambda level: level.name)
def test_a_name_stands_for_the_defaults(level):
    assert PRF(SCHEDULE, LAW, level.name).level == level == as_level(level)
    assert PRF(SCHEDULE, LAW).level == OnPaper()


def test_the_model_aware_level_has_no_defaults():
    with pytest.raises(
        ToolkitError, match=r"needs a model's response: give ModelAware\(response\).*'spectral'"
    ):
        PRF(SCHEDULE, LAW, "model_aware")


@pytest.mark.parametrize("level", ["exact", "", "Spectral", None, [], {}, 1, OnPaper])
def test_what_is_no_level_is_refused(level):
    with pytest.raises(ToolkitError, match="unknown; choose one of closed_form, spectral, model_aware"):
        as_level(level)


def test_the_weight_is_given_or_tied_to_c_or_none():
    assert PRF(SCHEDULE, LAW, Spectral(c=0.4, weight=2.5)).optimum_weight == 2.5
    for level in (OnPaper(0.4), Spectral(c=0.4)):
        assert PRF(SCHEDULE, LAW, level).optimum_weight == optimal_weight(0.4, 3.0)
        # Flatter spectra are noise, not photographs.
        assert PRF(SCHEDULE, PowerLaw(1e-3, 0.2), level).optimum_weight == optimal_weight(0.4, 1.0)
    assert np.isnan(PRF(SCHEDULE, LAW, ModelAware(response())).optimum_weight)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OnPaper(c=0), "c = 0 must be positive"),
        (lambda: OnPaper(c=np.inf), "c = inf must be positive and finite"),
        (lambda: OnPaper(signature_frequency=0.6), r"signature_frequency = 0.6 .* \(0, 0.5\]"),
        (lambda: Spectral(c=np.nan), "c = nan"),
        (lambda: Spectral(weight=-1), "weight = -1 must be positive"),
        (lambda: Spectral(size=2), "size = 2 pixels is too small; give at least 4"),
        (lambda: Spectral(eta=0.5), "eta = 0.5 must be 0 or 1, or lie between them with a trajectory"),
        (lambda: Spectral(eta=2.0, trajectory=lambda t: [t, 0.0]), "eta = 2.0"),
        (lambda: ModelAware(response(), size=3), "size = 3 pixels"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ToolkitError, match=message):
        make()
