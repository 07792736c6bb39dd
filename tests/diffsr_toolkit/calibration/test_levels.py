"""Carrying the constant to the other levels: the bisection, and round trips through the predictions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.prediction import reference_spectrum
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.calibration import matching_response, stored_responses
from diffsr_toolkit.training import levels
from diffsr_toolkit.calibration import level_constants, model_excess, solve, spectral_weight
from theory.prf import BANDS, PRF, ModelAware, ModelResponse, Sensitivity, Spectral
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

LAW = PowerLaw(2.4e-4, 2.9)
WIDE = NoiseSchedule.exponential(sigma_min=1e-5, sigma_max=1e4)
CHARGES: dict[str, Any] = {"frequency": [0.01, 0.1, 0.7], "octave": [1.0, 3.0, 2.0]}


def response(samples: int = 1) -> ModelResponse:
    """More noise recovers the missing bands, some of it invented."""
    missing, ratios = BANDS[:-1] >= 1, 4.0 ** np.arange(-4, 6)
    drowned = 1 / (1 + ratios[:, None])
    gain = np.where(missing, 0.6 * drowned, 1 - 0.05 * drowned)
    power = gain**2 + np.where(missing, 0.6 * drowned**2, 0.0)
    sampler = {"samples": samples, "consistency": True}
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
    sensitivity = Sensitivity.from_dict("m", CHARGES | {"excess": excess})
    snr = PRF(WIDE, LAW, ModelAware(response(), sensitivity)).predict(4.0).snr_opt
    assert model_excess(LAW, 4.0, snr, response(), CHARGES, "m") == pytest.approx(excess, rel=0.02)


def calibration() -> dict[str, Any]:
    return {
        "provenance": {"scale": 4.0},
        "reference_spectrum": {"amplitude": LAW.amplitude, "exponent": LAW.exponent},
        "metrics": {"m": {"c": 2.0, "at_edge": False}, "edge": {"c": 64.0, "at_edge": True}},
        "metrics_averaged": {"m": {"c": 1.0, "at_edge": False}, "psnr_y": {"c": 1.0, "at_edge": False}},
        "kept": [1, 2],
    }


def test_the_calibration_is_completed_and_otherwise_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        levels, "spectral_weight", lambda law, scale, snr: 2.0 * snr * float(law(0.5 / scale))
    )
    monkeypatch.setattr(
        levels,
        "model_excess",
        lambda law, scale, snr, response, *rest: snr * float(law(1 / 8)) + 10 * response.sampler["samples"],
    )
    sensitivity = {"metrics": {"m": CHARGES, "edge": CHARGES}}
    found = level_constants(calibration(), sensitivity, (response(1), response(2)))
    assert {key: found[key] for key in calibration()} == calibration()
    assert found["levels"] == {
        "m": {"weight": 4.0, "excess": 12.0, "agrees": True},
        "edge": {"weight": 128.0, "excess": 1.0, "agrees": False},
    }
    assert found["levels_averaged"]["m"] == {"weight": 2.0, "excess": 21.0, "agrees": True}
    assert found["levels_averaged"]["psnr_y"]["excess"] == 1.0

    (tmp_path / "c.json").write_text(json.dumps(calibration()))
    (tmp_path / "s.json").write_text(json.dumps(sensitivity))
    stored = [response(1).to_dict(), response(2).to_dict()]
    (tmp_path / "response.json").write_text(json.dumps({"samplers": stored}))
    arguments = [tmp_path / "c.json", "--sensitivity", tmp_path / "s.json", "--model", tmp_path]
    monkeypatch.setattr(sys, "argv", ["levels", *map(str, arguments)])
    levels.main()
    assert json.loads((tmp_path / "c.json").read_text()) == found


def test_what_cannot_agree_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    far = calibration() | {"metrics": {"m": {"c": 1e5, "at_edge": False}}}
    monkeypatch.setattr(levels, "spectral_weight", lambda *_: 2.0)
    found = level_constants(far, {"metrics": {"m": CHARGES}}, (response(1), response(2)))
    assert found["levels"]["m"] == {"weight": 2.0, "excess": 1.0, "agrees": False}
    monkeypatch.undo()
    with pytest.raises(ToolkitError, match="gives the spectral level the optimum of m"):
        level_constants(far, {"metrics": {"m": CHARGES}}, (response(1), response(2)))


def test_the_shipped_constants_agree_where_they_say_so() -> None:
    shipped = json.loads(data_path("calibration.json").read_text())
    charges = json.loads(data_path("sensitivity.json").read_text())["metrics"]
    law = reference_spectrum()
    checked = 0
    for key, source, samples in (("levels", "metrics", 1), ("levels_averaged", "metrics_averaged", 2)):
        measured = matching_response(stored_responses(data_path("models", "embedded")), samples)
        for metric, constants in shipped[key].items():
            if not constants["agrees"]:
                assert constants["excess"] == 1.0
                continue
            charge = Sensitivity.from_dict(metric, charges[metric] | {"excess": constants["excess"]})
            prf = PRF(WIDE, law, ModelAware(measured, charge))
            c = prf.predict(4.0).snr_opt * float(law(1 / 8))
            # The optimum jumps where the objective has two wells.
            assert c == pytest.approx(shipped[source][metric]["c"], rel=0.05), (key, metric)
            checked += 1
    assert checked >= 3


def test_a_sampler_that_was_not_measured_is_refused() -> None:
    with pytest.raises(ToolkitError, match="samples=2"):
        level_constants(calibration() | {"metrics": {}}, {"metrics": {}}, (response(1),))
