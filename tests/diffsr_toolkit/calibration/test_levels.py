"""Carrying the constant to the other levels: the bisection, and round trips through the predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit.calibration import level_constants, levels, model_excess, solve, spectral_weight
from diffsr_toolkit.models import load_card
from diffsr_toolkit.prediction import has_sensitivity, sensitivity
from diffsr_toolkit.settings import SamplingSettings
from theory.prf import BANDS, PRF, ModelAware, ModelResponse, Sensitivity, Spectral
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

LAW = PowerLaw(2.4e-4, 2.9)
WIDE = NoiseSchedule.exponential(sigma_min=1e-5, sigma_max=1e4)
CHARGES = Sensitivity("m", np.array([0.01, 0.1, 0.7]), np.array([1.0, 3.0, 2.0]))


def response(samples: int = 1) -> ModelResponse:
    """More noise recovers the missing bands, some of it invented."""
    missing, ratios = BANDS[:-1] >= 1, 4.0 ** np.arange(-4, 6)
    drowned = 1 / (1 + ratios[:, None])
    gain = np.where(missing, 0.6 * drowned, 1 - 0.05 * drowned)
    power = gain**2 + np.where(missing, 0.6 * drowned**2, 0.0)
    sampler = SamplingSettings(samples=samples).protocol()
    return ModelResponse(
        np.array([4.0]), ratios, gain[None], power[None], np.where(missing, 0.0, 1.0)[None], sampler=sampler
    )


@settings(deadline=None, max_examples=50)
@given(target=st.floats(0.02, 50), power=st.floats(0.2, 3))
def test_the_constant_of_a_monotone_curve_is_found(target: float, power: float) -> None:
    assert solve(lambda x: x**power, target**power, rising=True) == pytest.approx(target, rel=1e-3)
    assert solve(lambda x: x**-power, target**-power, rising=False) == pytest.approx(target, rel=1e-3)


def test_a_jump_is_bisected_and_nothing_answers_out_of_reach() -> None:
    assert solve(lambda x: 1.0 if x < 3 else 9.0, 4.0, rising=True) == pytest.approx(3, rel=1e-3)
    assert solve(lambda x: 9.0 if x < 3 else 1.0, 4.0, rising=False) == pytest.approx(3, rel=1e-3)
    assert solve(lambda x: x, 1e9, rising=True) is None
    assert solve(lambda x: x, 1e-9, rising=True) is None


@pytest.mark.parametrize("c", [0.3, 5.0])
def test_the_spectral_weight_makes_its_level_agree(c: float) -> None:
    snr = c / float(LAW(1 / 8))
    weight = spectral_weight(LAW, 4.0, snr)
    found = PRF(WIDE, LAW, Spectral(weight=weight)).predict(4.0)
    assert found.snr_opt == pytest.approx(snr, rel=0.01)


@pytest.mark.parametrize("excess", [0.6, 1.0, 2.5])
def test_the_model_aware_excess_makes_its_level_agree(excess: float) -> None:
    snr = PRF(WIDE, LAW, ModelAware(response(), replace(CHARGES, excess=excess))).predict(4.0).snr_opt
    assert model_excess(LAW, 4.0, snr, response(), CHARGES) == pytest.approx(excess, rel=0.02)


FOUND: dict[str, dict[str, Any]] = {
    "m": {"c": 2.0, "gain": 0.1, "at_edge": False},
    "edge": {"c": 64.0, "gain": 0.2, "at_edge": True},
    "psnr_y": {"c": 1.0, "gain": 0.3, "at_edge": False},
}


def test_constants_are_completed_and_otherwise_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        levels, "spectral_weight", lambda law, scale, snr: 2.0 * snr * float(law(0.5 / scale))
    )
    monkeypatch.setattr(
        levels,
        "model_excess",
        lambda law, scale, snr, response, *rest: snr * float(law(1 / 8)) + 10 * response.sampler["samples"],
    )
    found = level_constants(FOUND, LAW, 4.0, response(2), {"m": CHARGES, "edge": CHARGES})
    assert found == {
        "m": {**FOUND["m"], "weight": 4.0, "excess": 22.0, "agrees": True},
        "edge": {**FOUND["edge"], "weight": 128.0, "excess": 1.0, "agrees": False},
        "psnr_y": {**FOUND["psnr_y"], "weight": 2.0, "excess": 1.0, "agrees": False},
    }
    # A sampler whose response was not measured has no excess.
    unmeasured = level_constants(FOUND, LAW, 4.0, None, {"m": CHARGES})
    assert unmeasured["m"] == {**FOUND["m"], "weight": 4.0, "excess": 1.0, "agrees": False}


def test_what_cannot_agree_is_told() -> None:
    far = {"m": {"c": 1e5, "gain": 0.1, "at_edge": False}}
    found = level_constants(far, LAW, 4.0, response(), {"m": CHARGES})["m"]
    assert found["excess"] == 1.0 and not found["agrees"]
    # No weight within reach: the one that c stands for on paper, which a level can take.
    assert spectral_weight(LAW, 4.0, 1e5 / float(LAW(1 / 8))) is None
    assert found["weight"] == pytest.approx(Spectral(c=1e5).optimum_weight(LAW), rel=1e-4)
    Spectral(weight=found["weight"])


def test_the_shipped_constants_are_these_and_agree_where_they_say_so() -> None:
    card = load_card("embedded")
    scale = card.provenance["constants"]["scale"]
    checked = 0
    for constants in card.constants:
        measured = card.matching_response(constants.settings)
        charges = {name: sensitivity(name, 1.0) for name in ("ssim", "feature_distance")}
        assert {name for name in constants.metrics if has_sensitivity(name)} - set(charges) == {
            "psnr_rgb",
            "psnr_y",
        }
        again = level_constants(constants.metrics, card.spectrum, scale, measured, charges)
        for metric, known in constants.metrics.items():
            assert again[metric] == pytest.approx(known, rel=1e-4), (constants.settings, metric)
            if not known["agrees"]:
                assert known["excess"] == 1.0
                continue
            charge = replace(charges[metric], excess=known["excess"])
            c = PRF(WIDE, card.spectrum, ModelAware(measured, charge)).predict(scale).snr_opt
            # The optimum jumps where the objective has two wells.
            assert c * float(card.spectrum(0.5 / scale)) == pytest.approx(known["c"], rel=0.05), metric
            checked += 1
    assert checked >= 3
