"""One object for how a restoration is sampled: checked once, spelled one way."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffsr_toolkit import PAIR, SamplingSettings
from diffsr_toolkit.columns import SETTINGS
from diffsr_toolkit.errors import TimestepError

every = st.builds(
    SamplingSettings,
    steps=st.integers(1, 1000),
    eta=st.floats(0, 1),
    spacing=st.sampled_from(["log_snr", "timestep"]),
    samples=st.integers(1, 64),
    consistency=st.booleans(),
)


@given(every)
def test_as_keywords_it_makes_itself_again(settings: SamplingSettings) -> None:
    assert SamplingSettings(**settings) == settings
    assert SamplingSettings(**settings.protocol()) == settings
    assert json.loads(json.dumps(settings.protocol())) == settings.protocol()


def test_as_keywords_it_says_only_what_is_not_the_default() -> None:
    assert dict(**PAIR) == {"steps": 5, "samples": 2, "eta": 1.0}
    assert dict(**SamplingSettings()) == {}
    assert dict(consistency=False, **PAIR)["consistency"] is False


def test_the_protocol_names_every_setting_and_the_columns_are_these() -> None:
    assert list(PAIR.protocol()) == [field.name for field in fields(SamplingSettings)]
    assert set(SETTINGS) == set(PAIR.protocol())


def test_a_pair_costs_what_one_restoration_does() -> None:
    assert PAIR.nfe == SamplingSettings().nfe == 10


def test_numpy_scalars_become_plain_numbers() -> None:
    settings = SamplingSettings(
        steps=np.int64(3), eta=np.float32(1), samples=np.uint8(2), consistency=np.bool_(True)
    )
    assert {type(value) for value in settings.protocol().values()} == {int, float, bool, str}
    assert settings == SamplingSettings(steps=3, eta=1.0, samples=2)


def test_it_cannot_be_changed_and_has_no_other_keys() -> None:
    with pytest.raises(FrozenInstanceError):
        PAIR.steps = 3  # type: ignore[misc]
    with pytest.raises(KeyError):
        PAIR["seed"]
    assert PAIR["consistency"] is True
    assert hash(PAIR) == hash(replace(PAIR))


@pytest.mark.parametrize(
    "bad",
    [
        *({"steps": value} for value in (0, -1, 1.5, "3", True, None)),
        *({"samples": value} for value in (0, 2.0, "2", False)),
        *({"eta": value} for value in (-0.1, 1.1, float("nan"), "1", True, None, 1j)),
        *({"spacing": value} for value in ("even", None, 1)),
        *({"consistency": value} for value in ("no", None, 2)),
    ],
    ids=str,
)
def test_what_is_out_of_range_is_named(bad: dict[str, Any]) -> None:
    with pytest.raises(TimestepError, match=f"{next(iter(bad))}="):
        SamplingSettings(**bad)
