"""Explanations repeat the numbers of the tables and the responses, and turn with them."""

from __future__ import annotations

import numpy as np

from diffsr_toolkit.experiments.study import Well, explanations
from diffsr_toolkit.models import load_card
from diffsr_toolkit.settings import SamplingSettings


def test_flatness_reads_medians(study_cases):
    rows = study_cases[(study_cases["arm"] == "single") & (study_cases["metric"] == "feature_distance")]
    rows = rows[(rows["method"] == "closed_form, per scale") & (rows["scale_y"] == rows["scale_x"])]
    best = rows.groupby("scale_y")["t_best"].median()
    text = explanations.flatness(study_cases)
    assert text.startswith("From scale 1.6 to 4 ")
    assert f"between {best.min():.1f} and {best.max():.1f}," in text and "t = 15, loses 3.60 %" in text
    assert "From scale 1.6 to 2.7 " in explanations.flatness(study_cases, until=3)


def test_failures_find_the_worst(study_cases):
    worst = (
        (study_cases["arm"] == "single")
        & (study_cases["metric"] == "feature_distance")
        & (study_cases["method"] == "model_aware, pooled")
        & (study_cases["image"] == "photograph3")
        & (study_cases["scale_x"] != study_cases["scale_y"])
    )
    cases = study_cases.assign(
        regret_percent=study_cases["regret_percent"].where(~worst, 77.0),
        t_pred=study_cases["t_pred"].where(~worst, 999.0),
    )
    text = explanations.failures(cases)
    assert text.startswith("**model-aware, pooled** loses most at scale 2 x 4, ")
    assert "`photograph3` at scale 2 x 4: predicted 999.0, best " in text and "77.0 %." in text
    assert "In 1 of 20 cases the best timestep is the first or last measured" in text
    assert "closed form, pooled" in explanations.failures(cases, arm="wiener")


def test_reasons_say_what_the_responses_hold():
    ways = (SamplingSettings(), SamplingSettings(consistency=False))
    kept, lost = (load_card("embedded").matching_response(settings) for settings in ways)
    t = np.linspace(1, 100, 991)
    near, far = (Well((2.0, 2.0), t, 1 + 1e-4 * (t - centre) ** 2) for centre in (30, 80))
    text = explanations.reasons(kept, lost, [near, near], [near, far])
    gains = [np.nanmean(response.gain[:, :, 2], axis=0) for response in (kept, lost)]
    assert f"goes from {gains[0][-1]:.2f} to {gains[0][0]:.2f} where" in text
    assert f"from {gains[1][-1]:.2f} to {gains[1][0]:.2f} where it is not" in text
    assert "With back-projection, every timestep from 20 to 40 stays within 1%" in text
    assert "Without it, no timestep stays within 1%" in text
