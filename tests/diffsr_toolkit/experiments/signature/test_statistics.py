"""Information, feature distance and collapse against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsr_toolkit.datasets import CLASSES
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.experiments.signature import (
    FULL_BITS,
    collapse_timestep,
    confusion,
    frechet_distance,
    mutual_information,
)

K = len(CLASSES)


def test_identical_labels_share_their_whole_entropy() -> None:
    labels = np.arange(500) % K
    assert mutual_information(confusion(labels, labels, K)) == pytest.approx(FULL_BITS, abs=1e-12)
    permuted = confusion(labels, (labels + 3) % K, K)
    assert mutual_information(permuted) == pytest.approx(FULL_BITS, abs=1e-12)


@pytest.mark.parametrize("error", [0.1, 0.4])
def test_a_symmetric_channel_has_its_closed_form(error: float) -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(4000) % K
    values = []
    for _ in range(40):
        wrong = (labels + rng.integers(1, K, size=4000)) % K
        seen = np.where(rng.random(4000) < error, wrong, labels)
        values.append(mutual_information(confusion(labels, seen, K)))
    exact = FULL_BITS + (1 - error) * np.log2(1 - error) + error * np.log2(error) - error * np.log2(K - 1)
    assert np.mean(values) == pytest.approx(exact, abs=4 * np.std(values) / np.sqrt(40) + 0.01)


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(ToolkitError, match="empty"):
        mutual_information(np.zeros((3, 3)))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.2, 3.0))
def test_the_frechet_distance_of_shifted_and_scaled_clouds(seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    cloud = rng.standard_normal((40, 5)) @ rng.standard_normal((5, 5))
    shift = rng.standard_normal(5)
    assert frechet_distance(cloud, cloud + shift) == pytest.approx(float(shift @ shift), rel=1e-6)
    centred = cloud - cloud.mean(axis=0)
    spread = np.square(centred).sum() / 39
    assert frechet_distance(centred, factor * centred) == pytest.approx(
        (1 - factor) ** 2 * spread, rel=1e-6, abs=1e-9
    )


def test_clouds_of_different_width_are_refused() -> None:
    with pytest.raises(ToolkitError, match="features"):
        frechet_distance(np.zeros((4, 3)), np.zeros((4, 2)))


@settings(deadline=None, max_examples=40)
@given(st.floats(0.05, 0.95), st.floats(0.0, 0.3))
def test_the_collapse_of_a_straight_line_is_exact(loss: float, chance: float) -> None:
    t = np.array([0.0, 100.0, 350.0, 999.0])
    values = 1 - (1 - chance) * t / 999
    assert collapse_timestep(t, values, loss, chance) == pytest.approx(999 * loss)


def test_the_collapse_is_the_last_crossing_below_the_plateau_and_may_not_come() -> None:
    t = np.arange(6.0)
    assert collapse_timestep(t, [0.4, 0.9, 0.4, 0.8, 0.2, 0.1], 0.5, 0.1) == pytest.approx(3.5)
    assert collapse_timestep(t, [1.0, 1.0, 1.0, 1.0, 1.0, 0.9], 0.5) == np.inf
    with pytest.raises(ToolkitError, match="loss"):
        collapse_timestep(t, t, 1.0)
    with pytest.raises(ToolkitError, match="rising"):
        collapse_timestep(t[::-1], t, 0.5)
