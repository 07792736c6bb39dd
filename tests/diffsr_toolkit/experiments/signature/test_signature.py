from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from diffsr_toolkit import DiffSR
from diffsr_toolkit.errors import ModelError, StoreError, ToolkitError
from diffsr_toolkit.datasets import (
    CLASSES,
    Classifier,
    balanced_subset,
    class_gaussians,
    classifier_card,
    load_classifier,
    shipped_test,
)
from diffsr_toolkit.images import degrade
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.experiments.signature import (
    DENOISER,
    SETTINGS,
    Bench,
    Setting,
    Task,
    restore_batch,
    run,
    tasks,
)
from diffsr_toolkit.experiments.signature import plot_signature
from diffsr_toolkit.experiments.signature import (
    bootstrap_picks,
    collapse_estimate,
    collapse_timestep,
    confusion,
    frechet_distance,
    information_estimate,
    mutual_information,
)
from diffsr_toolkit.experiments.signature import collapse_table, signature_table
from diffsr_toolkit.experiments.signature import (
    FULL_BITS,
    ceiling_collapse,
    class_collapse,
    class_information,
    class_posteriors,
    class_retention,
    information_ceiling,
    predicted_collapse,
)
from theory import NoiseSchedule

K = len(CLASSES)


@pytest.fixture(scope="module")
def fashion() -> DiffSR:
    return DiffSR.from_pretrained("fashion", device="cpu")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load_classifier()


def counted(calls: list[int]) -> DiffSR:
    """A denoiser that shrinks towards gray and counts its evaluations."""

    def denoiser(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append(len(x))
        return x / (1 + sigma.view(-1, 1, 1, 1) ** 2)

    return DiffSR(denoiser, NoiseSchedule.linear(1000), channels=1)


def bench(sr: DiffSR, classifier: Classifier, per_class: int = 1) -> Bench:
    return Bench(sr, classifier, balanced_subset(shipped_test(), per_class))


def test_identical_labels_share_their_whole_entropy() -> None:
    labels = np.arange(500) % K
    assert mutual_information(confusion(labels, labels, K)) == pytest.approx(FULL_BITS, abs=1e-12)
    permuted = confusion(labels, (labels + 3) % K, K)
    assert mutual_information(permuted) == pytest.approx(FULL_BITS, abs=1e-12)


def test_independent_labels_share_nothing_on_average_and_within_the_interval() -> None:
    rng = np.random.default_rng(0)
    labels, picks = np.arange(500) % K, bootstrap_picks(500, 100)
    draws = [information_estimate(labels, rng.integers(K, size=500), K, picks) for _ in range(40)]
    values = np.array([draw.value for draw in draws])
    # The plug-in estimate would be 81 / (2 * 500) nats = 0.117 bits.
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values)) + 0.005
    assert np.mean([draw.low <= 1e-3 for draw in draws]) >= 0.9
    assert max(draw.high for draw in draws) < 0.25


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


def test_the_interval_of_a_collapse_holds_it() -> None:
    t = np.linspace(0, 900, 10)
    thresholds = np.random.default_rng(0).normal(450, 120, size=200)
    hits = (thresholds > t[:, None]).astype(float)
    found = collapse_estimate(t, lambda pick: hits[:, pick].mean(axis=1), 200, bootstrap_picks(200, 300), 0.5)
    assert found.low < found.value < found.high
    # The median of 200 normal draws has standard error 120 * 1.2533 / sqrt(200) = 10.6.
    assert found.value == pytest.approx(450, abs=4 * 10.6)
    assert 20 < found.high - found.low < 80


@pytest.mark.parametrize("setting", [*SETTINGS, DENOISER], ids=str)
@pytest.mark.parametrize(("scale", "t"), [(2.7, 320.0), (1.0, 700.0)])
def test_a_batch_is_restored_as_each_picture_alone(
    fashion: DiffSR, setting: Setting, scale: float, t: float
) -> None:
    lr = degrade(shipped_test()[:2].tensor(), scale)
    together = restore_batch(fashion, lr, (28, 28), t, setting, seed=5)
    for one, restored in zip(lr, together, strict=True):
        alone, nfe = fashion.restore(
            one, (28, 28), t, steps=setting.steps, eta=setting.eta, consistency=setting.consistency, seed=5
        )
        assert nfe == setting.steps
        torch.testing.assert_close(restored, alone, rtol=0, atol=2e-4)


def test_a_batch_of_other_channels_is_refused(fashion: DiffSR) -> None:
    with pytest.raises(ModelError, match="channels"):
        restore_batch(fashion, torch.zeros(1, 3, 14, 14), (28, 28), 100.0, SETTINGS[0])


def test_the_shipped_classifier_reaches_its_stored_accuracy(classifier: Classifier) -> None:
    pictures = shipped_test()
    assert np.array_equal(np.bincount(pictures.labels), np.full(K, 100))
    classes, features = classifier.judge(pictures.tensor())
    card = classifier_card()
    assert np.mean(classes == pictures.labels) == pytest.approx(card["accuracy_shipped"], abs=0.002)
    assert card["accuracy"]["test"] > 0.9
    assert features.shape == (1000, 64)


def test_a_missing_classifier_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="classifier"):
        load_classifier(tmp_path)


def test_little_noise_keeps_the_class_and_all_noise_loses_it(fashion: DiffSR, classifier: Classifier) -> None:
    lab = bench(fashion, classifier, per_class=3)
    measured = run(
        lab, [Task(SETTINGS[0], 1.5, 0.0), Task(SETTINGS[0], 1.5, 999.0), Task(SETTINGS[0], 7.0, None)]
    )
    frame = signature_table(lab, measured, resamples=200).set_index(["scale", "t"])
    first, last = frame.iloc[0], frame.iloc[1]
    assert first["retention"] >= 0.8 and first["information_bits"] > 2.0
    # 30 draws of a tenth are above 0.4 once in 100 000 times.
    assert last["retention"] <= 0.4
    assert first["psnr_db"] > last["psnr_db"] + 5
    assert frame.iloc[2]["retention"] < first["retention"]


def test_a_measurement_goes_on_where_it_stopped(tmp_path: Path, classifier: Classifier) -> None:
    todo = list(tasks([SETTINGS[0]], [2.0], [100.0, 500.0]))
    calls: list[int] = []
    lab = bench(counted(calls), classifier)
    part = run(lab, todo[:3], tmp_path)
    done = len(calls)
    whole = run(lab, todo, tmp_path)
    assert {task: whole[task] for task in part} == part
    fresh = run(bench(counted([]), classifier), todo)
    assert {task: row["classes"] for task, row in fresh.items()} == {
        task: row["classes"] for task, row in whole.items()
    }
    total = len(calls)
    run(lab, todo, tmp_path)
    assert 0 < done < total == len(calls)
    with pytest.raises(StoreError, match="images"):
        run(bench(counted([]), classifier, per_class=2), todo, tmp_path)


def test_the_tasks_hold_the_references_and_no_trivial_one() -> None:
    todo = list(tasks())
    assert len(todo) == len(set(todo))
    assert not any(task.setting.consistency and task.scale == 1 for task in todo)
    assert {task.scale for task in todo if task.setting == DENOISER} == {1.0}
    assert {task.scale for task in todo if task.t is None} == {1.5, 2.0, 2.7, 4.0, 7.0}


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


def test_the_tables_and_the_figure_agree(classifier: Classifier) -> None:
    lab = bench(counted([]), classifier)
    measured = run(lab, list(tasks([SETTINGS[0]], [1.5, 2.0], [0.0, 400.0, 800.0])))
    frame, collapse = signature_table(lab, measured, 50), collapse_table(lab, measured, 50)
    assert set(frame["method"]) == {"bicubic", "denoiser", "diffsr"}
    assert len(collapse) == 4 * 2 * 2
    figure = plot_signature(frame, collapse)
    assert len(figure.axes[0].lines) == 3 + 3
    with pytest.raises(ToolkitError, match="setting"):
        plot_signature(frame, collapse, consistency=True)


def test_no_measured_information_exceeds_the_bound() -> None:
    frame = pd.read_csv(data_path("signature.csv"))
    rows = frame[frame["method"] != "bicubic"]
    assert len(rows) > 200
    ceiling = information_ceiling(NoiseSchedule.linear(1000), rows["t"].to_numpy())
    plain = ~rows["consistency"].to_numpy()
    # With consistency the low-resolution image enters at every step, besides the noised state. What remains of the
    # estimate's bias with 200 pictures is 0.1 bits, as the table's own last timestep shows.
    assert np.all(rows["information_low"].to_numpy()[plain] <= ceiling[plain] + 0.1)
