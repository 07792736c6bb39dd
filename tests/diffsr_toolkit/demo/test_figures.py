"""The demonstration's figures show what the sweep measured, and predict as it did."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffsr_toolkit.columns import DIFFSR
from diffsr_toolkit.demo import Restorations, field_figure
from diffsr_toolkit.images import degrade
from diffsr_toolkit.models import load_card, reference_card
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.settings import PAIR, SamplingSettings
from diffsr_toolkit.sweeps import run_sweep
from helpers.pipeline import LINEAR, Spy, picture
from theory.scale import as_scale

SETTINGS = SamplingSettings(steps=2, eta=1.0)


@pytest.mark.parametrize(
    "settings",
    [PAIR, SamplingSettings(), SamplingSettings(consistency=False), SamplingSettings(samples=2, eta=1.0)],
    ids=["pair", "single", "plain", "mean"],
)
def test_the_field_is_that_of_the_sampler_used(settings):
    card = load_card("embedded")
    predictor, hr = Predictor(card.schedule, card), picture(3, 64, 80, seed=1)
    figure = field_figure(predictor, hr, (2.0, 4.0, 6.0), settings)
    drawn = [ax.get_title() for ax in figure.axes if ax.get_title()]
    for title, scale in zip(drawn, (2.0, 4.0, 6.0), strict=True):
        expected = predictor.predict(scale, degrade(hr, scale), settings=settings)
        assert f"scale {scale:g}: predicted t = {expected.t_opt:.3g}," in title


def test_plain_sampling_has_a_field_of_its_own():
    card = load_card("embedded")
    predictor, hr = Predictor(card.schedule, card), picture(3, 64, 80, seed=1)
    consistent, plain = (
        field_figure(predictor, hr, (4.0,), SamplingSettings(consistency=state)) for state in (True, False)
    )
    assert consistent.axes[0].get_title() != plain.axes[0].get_title()


def test_what_the_sweep_restored_is_kept_and_the_rest_is_made():
    network = Spy(3)
    restorer = DiffusionRestorer(network, LINEAR)
    predictor, hr = Predictor(LINEAR, reference_card()), picture(3, 24, 28)
    kept = Restorations(restorer, SETTINGS, seed=4)
    common = {"scales": [2.0], "metrics": ["psnr_rgb"], "settings": SETTINGS, "progress": False}
    frame = run_sweep(
        restorer, predictor, {"a": hr}, timesteps=[20.0, 60.0], seeds=[4, 5], on_measured=kept.add, **common
    )
    calls, pair = len(network.inputs), as_scale(2.0)
    lr = degrade(hr, 2.0)
    for t in (20.0, 60.0):
        found = kept.at("a", pair, t)
        assert (found.task.method, found.task.seed, found.task.t) == (DIFFSR, 4, t)
        (value,) = frame.query("t == @t and seed == 4 and method == 'diffsr'")["value"]
        assert [row["value"] for row in found.rows] == [value]
    assert len(network.inputs) == calls
    assert torch.equal(
        kept.at("a", pair, 60.0).restored, restorer.restore(lr, (24, 28), 60.0, SETTINGS, seed=4)[0]
    )
    assert kept.bicubic("a", pair).task.method == "bicubic"

    calls = len(network.inputs)
    made = kept.at("a", pair, 33.0)
    assert len(network.inputs) == calls + SETTINGS.steps
    assert torch.equal(made.restored, restorer.restore(lr, (24, 28), 33.0, SETTINGS, seed=4)[0])
    assert kept.at("a", pair, 33.0) is made and np.isfinite([row["value"] for row in made.rows]).all()
