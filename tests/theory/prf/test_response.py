"""A measured response: storage, interpolation over the scales, gaps, and what is none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from theory.errors import ToolkitError
from theory.prf import BANDS, ModelResponse

M = len(BANDS) - 1
RATIOS = 4.0 ** np.arange(-4, 6)


def ragged(seed=0):
    """Two scales with a band that only the second knows, a band that neither knows and a level that one misses."""
    rng = np.random.default_rng(seed)
    gain = np.round(rng.uniform(0, 1, (2, len(RATIOS), M)), 4)
    power, lr_up = np.round(gain**2 + 0.1, 4), np.round(rng.uniform(0, 1, (2, M)), 4)
    for values in (gain, power, lr_up[:, None]):
        values[0, ..., -2:] = np.nan
        values[1, ..., -1] = np.nan
    gain[0, 0] = power[0, 0] = np.nan
    return ModelResponse(np.array([2.0, 4.0]), RATIOS, gain, power, lr_up, 0.0123, "m", {"samples": 1})


def test_a_response_survives_its_file():
    kept = ragged()
    text = json.dumps(kept.to_dict(), allow_nan=False)
    again = ModelResponse.from_dict(json.loads(text))
    for name in ("scales", "ratios", "gain", "power", "lr_up_power"):
        np.testing.assert_array_equal(getattr(again, name), getattr(kept, name))
    assert (again.spread, again.model, again.sampler) == (0.0123, "m", {"samples": 1})


def test_scales_are_interpolated_in_their_logarithm_and_the_ends_serve_beyond():
    kept = ragged()
    low, high, middle = (kept.at_scale(scale)[0] for scale in (2.0, 4.0, np.sqrt(8.0)))
    np.testing.assert_allclose(middle, (low + high) / 2)
    for beyond, end in ((1.0, 2.0), (50.0, 4.0)):
        for ours, theirs in zip(kept.at_scale(beyond), kept.at_scale(end), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(low[1:, :-2], kept.gain[0, 1:, :-2])
    np.testing.assert_array_equal(kept.at_scale(4.0)[2][:-1], kept.lr_up_power[1, :-1])


def test_gaps_take_their_neighbour_s_values():
    gain, power, lr_up = ragged().at_scale(2.0)
    assert np.isfinite(gain).all() and np.isfinite(power).all() and np.isfinite(lr_up).all()
    np.testing.assert_array_equal(gain[:, -1], gain[:, -3])
    np.testing.assert_array_equal(gain[0], gain[1])
    assert lr_up[-1] == lr_up[-2] == lr_up[-3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scales": np.array([2.0])}, "over 1 scales and 10 ratios"),
        ({"gain": np.zeros((2, 3, M))}, "shape"),
        ({"lr_up_power": np.zeros(M)}, "shape"),
        ({"scales": np.array([4.0, 2.0])}, "rising scales"),
        ({"ratios": RATIOS[::-1]}, "rising ratios"),
    ],
)
def test_what_is_no_response_is_refused(changes, message):
    kept = ragged()
    parts = {name: getattr(kept, name) for name in ("scales", "ratios", "gain", "power", "lr_up_power")}
    with pytest.raises(ToolkitError, match=message):
        ModelResponse(**(parts | changes))


def test_one_noise_level_is_no_response():
    plane = np.ones((1, 1, M))
    with pytest.raises(ToolkitError, match="at least 2 rising ratios"):
        ModelResponse(np.array([3.0]), np.array([1.0]), plane, plane, plane[0])
