"""A model's card: complete, exact, found by itself, and refused when it is none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import diffusers
import numpy as np
import pytest

from diffsr_toolkit import PAIR, SamplingSettings
from diffsr_toolkit.errors import ModelError, ToolkitError
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.models import (
    card_names,
    load_card,
    read_card,
    reference_card,
    save_card,
    schedule_from_dict,
    schedule_to_dict,
    settings_of,
)
from diffsr_toolkit.resources import data_path
from theory.schedules import NoiseSchedule

SINGLE = SamplingSettings()


def test_shipped_models_are_those_with_a_card() -> None:
    assert set(card_names()) == {path.parent.name for path in data_path("models").glob("*/model_index.json")}


@pytest.mark.parametrize("name", card_names())
def test_a_card_tells_the_schedule_of_its_model_to_the_bit(name: str) -> None:
    scheduler = diffusers.DDPMScheduler.from_pretrained(data_path("models", name, "scheduler"))
    assert load_card(name).schedule == NoiseSchedule.from_diffusers(scheduler)


@pytest.mark.parametrize("settings", [SINGLE, PAIR], ids=str)
@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_has_constants_for_every_level(metric: str, settings: SamplingSettings) -> None:
    constants = load_card("embedded").constants_for(settings).of(metric)
    assert 0 < constants["c"] < 1e3 and constants["weight"] > 0 and constants["excess"] > 0


def test_an_unknown_metric_is_named_with_the_choices() -> None:
    with pytest.raises(ToolkitError, match=r"'sharpness'.*feature_distance"):
        load_card("embedded").constants_for(SINGLE).of("sharpness")


def test_the_card_says_where_it_comes_from() -> None:
    provenance = load_card("embedded").provenance
    assert provenance["constants"]["scale"] > 1
    for part in provenance.values():
        assert len(part["photographs"]) >= 10
        assert not any("astronaut" in name or "chelsea" in name for name in part["photographs"])


def test_constants_are_those_of_the_most_similar_sampler() -> None:
    card = load_card("embedded")
    averaged = card.constants_for(SamplingSettings(samples=4, steps=3))
    assert settings_of(averaged) == PAIR
    assert settings_of(card.constants_for(SamplingSettings(eta=1.0, consistency=False))) == SINGLE


def test_a_response_answers_for_its_own_kind_of_sampler() -> None:
    card = load_card("embedded")
    for response in card.responses:
        own = settings_of(response)
        assert card.response_for(own) is response
        # Steps and spacing are taken to matter little.
        assert card.response_for(replace(own, steps=7, spacing="timestep")) is response
    single = replace(card, responses=tuple(r for r in card.responses if settings_of(r) == SINGLE))
    assert single.response_for(SamplingSettings(eta=0.5)) is single.responses[0]
    for other in (
        SamplingSettings(eta=0.6),
        SamplingSettings(samples=2),
        SamplingSettings(consistency=False),
    ):
        assert single.response_for(other) is None
        with pytest.raises(ToolkitError, match="1 responses of 'embedded' are known, none near"):
            single.matching_response(other)


@pytest.mark.parametrize("name", card_names())
def test_a_card_comes_back_from_its_file_as_it_was(name: str, tmp_path: Path) -> None:
    card = load_card(name)
    save_card(card, tmp_path / "card.json")
    assert read_card(tmp_path).to_dict() == card.to_dict()


@pytest.mark.parametrize(
    "schedule",
    [
        NoiseSchedule.cosine(),
        NoiseSchedule.flow_matching(500),
        NoiseSchedule.karras(sigma_max=20.0),
        NoiseSchedule.exponential(),
    ],
    ids=lambda schedule: schedule.name,
)
def test_schedules_come_back_equal(schedule: NoiseSchedule) -> None:
    again = schedule_from_dict(json.loads(json.dumps(schedule_to_dict(schedule))))
    assert again == schedule
    t = np.linspace(schedule.t_min, schedule.t_max, 9)
    assert np.array_equal(again.snr(t), schedule.snr(t))


def test_a_card_without_constants_takes_the_reference_s(tmp_path: Path) -> None:
    stored = load_card("fashion").to_dict() | {"constants": []}
    (tmp_path / "card.json").write_text(json.dumps(stored))
    card, reference = read_card(tmp_path), reference_card()
    assert card.constants == reference.constants and card.image_share == reference.image_share
    assert card.spectrum != reference.spectrum and reference.responses == ()


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "[]",
        "{}",
        '{"name": "x", "schedule": {"name": "linear"}, "spectrum": {"amplitude": 1, "exponent": 2}}',
        '{"name": "x", "schedule": {"name": "flow_matching"}, "spectrum": {"amplitude": -1, "exponent": 2}}',
        '{"name": "x", "schedule": {"name": "flow_matching"}, "spectrum": [1, 2]}',
    ],
)
def test_a_damaged_card_is_refused_and_named(tmp_path: Path, damage: str) -> None:
    (tmp_path / "card.json").write_text(damage)
    with pytest.raises(ModelError, match=r"card\.json is no model's card.*delete it.*diffsr calibrate"):
        read_card(tmp_path)


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"card\.json"):
        read_card(tmp_path)
    with pytest.raises(ModelError, match=r"'nonsense'.*embedded"):
        load_card("nonsense")
