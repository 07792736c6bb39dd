"""Intervals over pictures hold what they are of."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.datasets import CLASSES
from diffsr_toolkit.experiments.signature import bootstrap_picks, collapse_interval, information_interval

K = len(CLASSES)


def test_independent_labels_share_nothing_on_average_and_within_the_interval() -> None:
    rng = np.random.default_rng(0)
    labels, picks = np.arange(500) % K, bootstrap_picks(500, 100)
    draws = [information_interval(labels, rng.integers(K, size=500), K, picks) for _ in range(40)]
    values = np.array([draw.value for draw in draws])
    # The plug-in estimate would be 81 / (2 * 500) nats = 0.117 bits.
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values)) + 0.005
    assert np.mean([draw.low <= 1e-3 for draw in draws]) >= 0.9
    assert max(draw.high for draw in draws) < 0.25


def test_the_interval_of_a_collapse_holds_it() -> None:
    t = np.linspace(0, 900, 10)
    thresholds = np.random.default_rng(0).normal(450, 120, size=200)
    hits = (thresholds > t[:, None]).astype(float)
    found = collapse_interval(t, lambda pick: hits[:, pick].mean(axis=1), 200, bootstrap_picks(200, 300), 0.5)
    assert found.low < found.value < found.high
    # The median of 200 normal draws has standard error 120 * 1.2533 / sqrt(200) = 10.6.
    assert found.value == pytest.approx(450, abs=4 * 10.6)
    assert 20 < found.high - found.low < 80
