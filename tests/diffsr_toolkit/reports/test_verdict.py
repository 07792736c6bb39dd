"""What a sweep's data say in words."""

from __future__ import annotations

import pandas as pd
import pytest

from diffsr_toolkit.reports import optima_text, verdicts
from helpers.tables import LINEAR, sweep_rows


def case(image, scale, predicted, best, bicubic, *, edge=False, off=2.0, metric="feature_distance"):
    """A frame of one case: three timesteps, the predicted one first or in the middle."""
    far = LINEAR.t_of_sigma(LINEAR.sigma(20.0) * off)
    values = {20.0: predicted, far: best} if edge else {10.0: 9.0, 20.0: predicted, far: best, 900.0: 9.0}
    return sweep_rows(image, scale, metric, {t: [value] for t, value in values.items()}, 20.0, bicubic)


def test_a_prediction_that_holds_and_wins_is_good():
    frame = pd.DataFrame(case("a", 2, 0.500, 0.499, 0.6) + case("b", 2, 0.400, 0.399, 0.6))
    (verdict,) = verdicts(frame)
    assert verdict.good
    assert "beats bicubic on 2 of 2 images (mean 0.4500 against 0.6000)" in verdict.text
    assert "prediction holds" in verdict.text


def test_losing_to_bicubic_is_said_for_each_scale():
    frame = pd.DataFrame(
        case("a", 2, 0.5, 0.499, 0.6)
        + case("a", 4, 0.5, 0.499, 0.4)
        + case("b", 2, 0.7, 0.699, 0.6)
        + case("b", 4, 0.5, 0.499, 0.4995)
    )
    two, four = verdicts(frame)
    assert (two.subject, four.subject) == ("Scale 2", "Scale 4")
    assert "only 1 of 2 images" in two.text
    assert "loses to bicubic on 2 of 2 images" in four.text
    assert "On 1 of 2 images no timestep that was tried beats bicubic" in four.text
    assert not two.good
    assert not four.good


@pytest.mark.parametrize(("best", "off"), [(0.4, 2.0), (0.499, 4.0)])
def test_a_missed_prediction_is_said(best, off):
    (verdict,) = verdicts(pd.DataFrame(case("a", 2, 0.5, best, 0.6, off=off)))
    assert "prediction misses on the one image" in verdict.text
    assert not verdict.good


def test_an_optimum_at_the_edge_and_an_unknown_cost_are_said():
    (verdict,) = verdicts(pd.DataFrame(case("a", 2, 0.5, 0.499, 0.6, edge=True)))
    assert "the best t is the first or last one measured" in verdict.text
    assert "(edge)" in str(optima_text(pd.DataFrame(case("a", 2, 0.5, 0.499, 0.6, edge=True))))
    (verdict,) = verdicts(pd.DataFrame(case("a", 2, 0.5, 0.499, 0.6)).assign(t_pred=950.0))
    assert "not known" in verdict.text
    assert not verdict.good


def test_a_baseline_without_a_network_that_wins_is_said():
    rows = case("a", 2, 0.5, 0.499, 0.6)
    (verdict,) = verdicts(pd.DataFrame([*rows, {**rows[0], "method": "back_projection", "value": 0.45}]))
    assert "Back-projected bicubic, which needs no network, beats it on the one image" in verdict.text
    (verdict,) = verdicts(pd.DataFrame([*rows, {**rows[0], "method": "back_projection", "value": 0.55}]))
    assert "Back-projected" not in verdict.text


def test_metrics_that_lose_are_listed():
    frame = pd.DataFrame(
        case("a", 2, 0.5, 0.499, 0.6)
        + case("a", 2, 20.0, 20.0, 25.0, metric="psnr_y")
        + case("a", 2, 0.5, 0.5, 0.6, metric="ssim")
    )
    (verdict,) = verdicts(frame)
    assert "does not beat bicubic on every image by PSNR (Y) or SSIM." in verdict.text
