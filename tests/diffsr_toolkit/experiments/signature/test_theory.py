"""What the theory says of the collapse, and that no measurement says more than it allows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.experiments.signature import (
    FULL_BITS,
    ceiling_collapse,
    class_collapse,
    class_gaussians,
    class_information,
    class_posteriors,
    class_retention,
    information_ceiling,
    predicted_collapse,
)
from diffsr_toolkit.resources import data_path
from theory import NoiseSchedule


def test_the_upper_end_knows_no_scale_on_paper_and_grows_with_the_tolerance() -> None:
    schedule = NoiseSchedule.linear(1000)
    begin, middle = (predicted_collapse(schedule, loss, "closed_form") for loss in (0.1, 0.5))
    assert begin < middle < 999
    assert predicted_collapse(schedule, 0.5, "closed_form", scale=4.0) == middle
    assert predicted_collapse(schedule, 0.5, "spectral", scale=1.0) > predicted_collapse(
        schedule, 0.5, "spectral", scale=4.0
    )
    assert np.isnan(predicted_collapse(schedule, 0.1, "spectral", scale=7.0))


def test_the_information_ceiling_falls_from_everything_to_nothing() -> None:
    schedule = NoiseSchedule.linear(1000)
    ceiling = information_ceiling(schedule, np.linspace(0, 999, 200))
    assert ceiling[0] == FULL_BITS and ceiling[-1] < 0.05
    assert np.all(np.diff(ceiling) <= 0)
    assert information_ceiling(schedule, ceiling_collapse(schedule, 0.5)) == pytest.approx(
        FULL_BITS / 2, abs=0.03
    )


def test_posteriors_of_the_class_model_are_those_of_its_pictures() -> None:
    means, variances = class_gaussians()
    sigma, rng = 6.0, np.random.default_rng(0)
    spread = variances + sigma**2
    x = means[3] + rng.standard_normal((4000, 784)) * np.sqrt(spread)
    logits = -0.5 * np.stack([(np.square(x - mean) / spread).sum(axis=1) for mean in means], axis=1)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    direct = weights / weights.sum(axis=1, keepdims=True)
    drawn = class_posteriors(sigma, draws=4000)[3]
    assert np.allclose(drawn.mean(axis=0), direct.mean(axis=0), atol=0.02)
    assert np.square(drawn).sum(axis=1).mean() == pytest.approx(
        np.square(direct).sum(axis=1).mean(), abs=0.02
    )


def test_the_class_model_falls_to_chance_below_the_bound() -> None:
    schedule = NoiseSchedule.linear(1000)
    t = np.linspace(0, 999, 15)
    kept, bits = class_retention(schedule, t), class_information(schedule, t)
    assert kept[0] > 0.9 and kept[-1] == pytest.approx(0.1, abs=0.01)
    assert np.all(np.diff(kept) < 1e-3) and np.all(np.diff(bits) < 1e-3)
    assert np.all(bits <= information_ceiling(schedule, t) + 1e-6)
    for quantity in ("retention", "information"):
        assert class_collapse(schedule, 0.1, quantity) < class_collapse(schedule, 0.5, quantity) < 999


def test_no_measured_information_exceeds_the_bound() -> None:
    frame = pd.read_csv(data_path("signature.csv"))
    rows = frame[frame["method"] != "bicubic"]
    assert len(rows) > 200
    ceiling = information_ceiling(NoiseSchedule.linear(1000), rows["t"].to_numpy())
    plain = ~rows["consistency"].to_numpy()
    # With consistency the low-resolution image enters at every step, besides the noised state. What remains of the
    # estimate's bias with 200 pictures is 0.1 bits, as the table's own last timestep shows.
    assert np.all(rows["information_low"].to_numpy()[plain] <= ceiling[plain] + 0.1)
