"""Pictures are restored as they would be alone, judged, kept and tabulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from diffsr_toolkit.datasets import balanced_subset, shipped_test
from diffsr_toolkit.errors import StoreError, ToolkitError
from diffsr_toolkit.experiments.signature import (
    ONE_STEP,
    WAYS,
    SignatureStudy,
    SignatureTask,
    collapse_table,
    measure_signature,
    plot_signature,
    signature_table,
    signature_tasks,
)
from diffsr_toolkit.experiments.signature import __main__ as command
from diffsr_toolkit.images import degrade
from diffsr_toolkit.models import AnyDenoiser, Classifier, load_classifier, load_model
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.settings import SamplingSettings
from theory import NoiseSchedule

pytestmark = pytest.mark.slow

PLAIN = WAYS["plain"]


@pytest.fixture(scope="module")
def fashion() -> DiffusionRestorer:
    model = load_model("fashion", device="cpu")
    return DiffusionRestorer(model.denoiser, model.schedule, name="fashion")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load_classifier()


class Shrinking(AnyDenoiser):
    """A denoiser that shrinks towards gray and remembers at which noise levels."""

    channels = 1

    def __init__(self, sigma_min: float = 0.0) -> None:
        self.sigma_min, self.seen = sigma_min, []

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        self.seen += sigma.tolist()
        return x / (1 + sigma.view(-1, 1, 1, 1) ** 2)


def study_of(restorer: DiffusionRestorer, classifier: Classifier, per_class: int = 1) -> SignatureStudy:
    return SignatureStudy(restorer, classifier, balanced_subset(shipped_test(), per_class))


def shrinking(denoiser: Shrinking | None = None) -> DiffusionRestorer:
    return DiffusionRestorer(denoiser or Shrinking(), NoiseSchedule.linear(1000))


@pytest.mark.parametrize("settings", [*WAYS.values(), ONE_STEP], ids=str)
@pytest.mark.parametrize(("scale", "t"), [(2.7, 320.0), (1.0, 700.0)])
def test_a_batch_is_restored_as_each_picture_alone(
    fashion: DiffusionRestorer, settings: SamplingSettings, scale: float, t: float
) -> None:
    lr = degrade(shipped_test()[:2].tensor(), scale)
    together, _ = fashion.restore_batch(lr, (28, 28), t, settings, seed=5)
    for one, restored in zip(lr, together, strict=True):
        alone, nfe = fashion.restore(one, (28, 28), t, settings, seed=5)
        assert nfe == settings.steps
        torch.testing.assert_close(restored, alone, rtol=0, atol=2e-4)


@pytest.mark.parametrize("settings", [*WAYS.values(), ONE_STEP], ids=str)
def test_no_picture_is_restored_at_less_noise_than_the_denoiser_knows(
    classifier: Classifier, settings: SamplingSettings
) -> None:
    denoiser = Shrinking(sigma_min=0.7)
    restorer = shrinking(denoiser)
    study = study_of(restorer, classifier)
    task = SignatureTask(settings, 2.0, 620.0)
    together = study.restored(task)
    # As float32, in which the denoiser is told.
    assert len(denoiser.seen) >= 10 and min(denoiser.seen) >= 0.7 - 1e-6
    assert float(restorer.schedule.sigma(restorer.schedule.t_min)) < 0.07
    for one, restored in zip(degrade(study.hr, 2.0), together, strict=True):
        alone, _ = restorer.restore(one, (28, 28), 620.0, settings)
        torch.testing.assert_close(restored, alone.clamp(-1, 1), rtol=0, atol=1e-6)


def test_little_noise_keeps_the_class_and_all_noise_loses_it(
    fashion: DiffusionRestorer, classifier: Classifier
) -> None:
    study = study_of(fashion, classifier, per_class=3)
    points = ((1.5, 0.0), (1.5, 999.0), (7.0, None))
    measured = measure_signature(study, [SignatureTask(PLAIN, scale, t) for scale, t in points])
    frame = signature_table(study, measured, resamples=200).set_index(["scale", "t"])
    first, last = frame.iloc[0], frame.iloc[1]
    assert first["retention"] >= 0.8 and first["information_bits"] > 2.0
    # 30 draws of a tenth are above 0.4 once in 100 000 times.
    assert last["retention"] <= 0.4
    assert first["psnr_db"] > last["psnr_db"] + 5
    assert frame.iloc[2]["retention"] < first["retention"]


def test_a_measurement_goes_on_where_it_stopped(tmp_path: Path, classifier: Classifier) -> None:
    todo = list(signature_tasks([PLAIN], [2.0], [100.0, 500.0]))
    denoiser = Shrinking()
    study = study_of(shrinking(denoiser), classifier)
    part = measure_signature(study, todo[:3], tmp_path)
    done = len(denoiser.seen)
    whole = measure_signature(study, todo, tmp_path)
    assert {task: whole[task] for task in part} == part
    fresh = measure_signature(study_of(shrinking(), classifier), todo)
    assert {task: row["classes"] for task, row in fresh.items()} == {
        task: row["classes"] for task, row in whole.items()
    }
    total = len(denoiser.seen)
    measure_signature(study, todo, tmp_path)
    assert 0 < done < total == len(denoiser.seen)
    with pytest.raises(StoreError, match="images"):
        measure_signature(study_of(shrinking(), classifier, per_class=2), todo, tmp_path)


def test_the_tasks_hold_the_references_and_no_trivial_one() -> None:
    todo = list(signature_tasks())
    assert len(todo) == len(set(todo)) == len({str(task.key) for task in todo})
    assert not any(task.settings.consistency and task.scale == 1 for task in todo)
    assert {task.scale for task in todo if task.settings == ONE_STEP} == {1.0}
    assert {task.scale for task in todo if task.t is None} == {1.5, 2.0, 2.7, 4.0, 7.0}


def test_the_tables_and_the_figure_agree(classifier: Classifier) -> None:
    study = study_of(shrinking(), classifier)
    measured = measure_signature(study, list(signature_tasks([PLAIN], [1.5, 2.0], [0.0, 400.0, 800.0])))
    frame, collapse = signature_table(study, measured, 50), collapse_table(study, measured, 50)
    assert set(frame["method"]) == {"bicubic", "denoiser", "diffsr"}
    assert len(collapse) == 4 * 2 * 2
    figure = plot_signature(frame, collapse)
    assert len(figure.axes[0].lines) == 3 + 3
    with pytest.raises(ToolkitError, match="setting"):
        plot_signature(frame, collapse, consistency=True)


def test_the_command_writes_both_tables(tmp_path: Path) -> None:
    arguments = ["--images", "10", "--scales", "2", "--timesteps", "0", "999", "--ways", "consistent"]
    command.main([*arguments, "--precision", "bfloat16", "--out", str(tmp_path / "deep" / "signature.csv")])
    shipped = ("signature.csv", "signature_collapse.csv")
    frame, collapse = (pd.read_csv(tmp_path / "deep" / name) for name in shipped)
    assert [list(frame), list(collapse)] == [list(pd.read_csv(data_path(name))) for name in shipped]
    assert frame["t"].isna().sum() == 1 and set(frame["precision"]) == {"bfloat16"}
    assert set(collapse["consistency"]) == {True} and np.isfinite(collapse["t_ceiling"]).all()
