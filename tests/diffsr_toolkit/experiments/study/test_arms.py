"""The arms: equal noise on every schedule, honest names, and a run of the whole study on toys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from diffsr_toolkit.columns import KEYS
from diffsr_toolkit.errors import StoreError, ToolkitError
from diffsr_toolkit.experiments.study import (
    ARMS,
    COLUMNS,
    OTHER_SEED,
    RIVALS,
    SPECTRA,
    STUDY_METRICS,
    YARDSTICKS,
    Arm,
    analyse,
    load,
    measurements,
    schedule_of,
)
from diffsr_toolkit.experiments.study import __main__ as command
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.settings import PAIR, SamplingSettings
from theory.prf import Level
from theory.scale import as_scale
from theory.schedules import NoiseSchedule

pytestmark = pytest.mark.slow

LINEAR = NoiseSchedule.linear()


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_an_arm_is_complete(arm: Arm) -> None:
    schedule = schedule_of(arm.schedule)
    t = arm.own_timesteps()
    np.testing.assert_allclose(
        schedule.snr(np.array(t)), LINEAR.snr(np.array(arm.timesteps, float)), rtol=1e-6
    )
    assert np.all(np.diff(t) > 0) and schedule.t_min <= t[0] and t[-1] <= schedule.t_max
    # The paper's grid and one neighbour of it lie within what is measured.
    assert arm.timesteps[-1] >= 100
    assert all(min(as_scale(scale)) >= 1 for scale in arm.scales)


def test_the_arms_cover_what_the_study_claims() -> None:
    assert next(iter(ARMS)) == "single" and all(arm.name == name for name, arm in ARMS.items())
    assert {arm.denoiser for arm in ARMS.values()} == {"embedded", "wiener", "mixture", "ffdnet"}
    assert {arm.schedule for arm in ARMS.values()} == {"linear", "cosine", "flow_matching"}
    assert {arm.settings.eta for arm in ARMS.values()} == {0.0, 1.0}
    scales = {as_scale(scale) for scale in ARMS["single"].scales}
    assert min(scales)[0] <= 1.3 and (8.0, 8.0) in scales and any(sy != sx for sy, sx in scales)
    assert set(STUDY_METRICS) <= set(METRICS)
    assert ARMS["single"].settings == SamplingSettings() and ARMS["pair"].settings == PAIR


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ToolkitError, match=r"'karras'.*linear, cosine, flow_matching"):
        schedule_of("karras")
    with pytest.raises(ToolkitError, match=r"'magic'.*wiener"):
        Arm("x", "x", "magic").build()


def test_an_analytic_arm_restores_on_its_own_schedule() -> None:
    restorer = Arm("x", "x", "wiener", schedule="cosine").build()
    assert restorer.name.startswith("wiener 0.000") and restorer.schedule.name == "cosine"
    assert restorer.denoiser.channels == 3
    restored, _ = restorer.restore(torch.zeros(3, 12, 12), (24, 24), 100.0, SamplingSettings(steps=2))
    assert restored.shape == (3, 24, 24)


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_an_arm_predicts_with_what_is_known_of_its_own_denoiser(arm: Arm) -> None:
    card, predictor = arm.card(), arm.predictor()
    assert card.name == arm.denoiser and predictor.schedule.name == schedule_of(arm.schedule).name
    models = {response.model.split()[0] for response in card.responses}
    assert models == {arm.denoiser}
    assert len(card.responses) > 1 if arm.denoiser == "embedded" else len(card.responses) == 1


def test_an_arm_of_which_nothing_was_measured_has_no_response() -> None:
    card = Arm("x", "x", "wiener").card()
    assert card.responses == () and card.constants_for(PAIR).settings == PAIR


class Toy(Arm):
    """Any arm with a denoiser that takes no time."""

    def build(self) -> DiffusionRestorer:
        return DiffusionRestorer(
            lambda x, sigma: x / (1 + sigma.view(-1, 1, 1, 1) ** 2), schedule_of(self.schedule), name="toy"
        )


@pytest.fixture
def toy_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The study's command on two toy arms and three small photographs; returns how to call it."""
    few = SamplingSettings(steps=2)
    uniform = replace(few, spacing="timestep")
    t = (5, 50, 100)
    toys = {
        "one": Toy("one", "one", "toy", few, scales=(2.0, (2.0, 3.0)), timesteps=t),
        "two": Toy("two", "two", "toy", uniform, schedule="cosine", scales=(2.0,), timesteps=t),
    }
    monkeypatch.setattr(command, "ARMS", toys)
    monkeypatch.setattr(measurements, "STUDY_METRICS", ("psnr_y", "lr_psnr"))
    monkeypatch.setattr(measurements, "LONGER_SIDE", 32)
    for seed in range(3):
        levels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
        Image.fromarray(levels).resize((48, 40)).save(tmp_path / f"photo{seed}.png")

    def call(out: str, *options: str, photographs: int | list[int] = 3) -> None:
        photos = sorted(map(str, tmp_path.glob("*.png")))
        chosen = photos[:photographs] if isinstance(photographs, int) else [photos[i] for i in photographs]
        arguments = [*chosen, *options, "--out", str(tmp_path / out)]
        arguments += ["--quiet", "--store", str(tmp_path / "store")]
        command.main(arguments)

    return call


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    return {path.name.partition(".")[0]: pd.read_csv(path) for path in folder.iterdir()}


def test_the_study_measures_once_and_writes_its_tables(toy_study, tmp_path, monkeypatch, capsys) -> None:
    toy_study("out")
    assert "regret_percent" in capsys.readouterr().out
    tables = read_tables(tmp_path / "out")
    assert set(tables) == set(COLUMNS)
    for name, columns in COLUMNS.items():
        assert set(columns) <= set(tables[name])
    curves = tables["curves"]
    assert len(curves) == 3 * (2 + 1) * 2 * 2 * 3
    assert not curves.duplicated([*KEYS, "metric", "t"]).any()
    table = tables["cases"]
    ways = len(get_args(Level)) * len(SPECTRA) + len(RIVALS) + len(YARDSTICKS)
    assert len(table) == 3 * (2 + 1) * 2 * ways
    # These toys have no response, so the model-aware level has no row, and nothing else is missing.
    summary = tables["summary"]
    unanswered = {f"model_aware, {spectrum}" for spectrum in SPECTRA}
    assert set(summary["method"]) == set(table["method"]) - unanswered
    assert {*RIVALS, *YARDSTICKS} <= set(summary["method"])
    assert set(tables["differences"]["arm"]) == {"one", "two"}

    # What the store holds is not measured again, nor is what the tables hold; both give the same files.
    monkeypatch.setattr(DiffusionRestorer, "restore", lambda *_, **__: pytest.fail("measured again"))
    toy_study("again")
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    toy_study("out")
    toy_study("out", photographs=0)
    for name, found in read_tables(tmp_path / "out").items():
        pd.testing.assert_frame_equal(found, tables[name])
        pd.testing.assert_frame_equal(found, read_tables(tmp_path / "again")[name])


def test_a_second_seed_joins_the_first(toy_study, tmp_path: Path) -> None:
    toy_study("steps", "--seeds", "0", "--arms", "one")
    first = read_tables(tmp_path / "steps")
    assert set(first["curves"]["seed"]) == {0} and OTHER_SEED not in set(first["cases"]["method"])
    toy_study("steps")
    toy_study("whole")
    for name, found in read_tables(tmp_path / "steps").items():
        pd.testing.assert_frame_equal(found, read_tables(tmp_path / "whole")[name])


def test_curves_of_another_protocol_are_not_joined(toy_study, tmp_path: Path, monkeypatch) -> None:
    toy_study("out", "--seeds", "0", "--arms", "one")
    monkeypatch.setattr(measurements, "LONGER_SIDE", 40)
    with pytest.raises(StoreError, match=r"one were measured in another way .* choose another folder"):
        toy_study("out")
    monkeypatch.setattr(measurements, "LONGER_SIDE", 32)
    toy_study("out")


def test_a_protocol_is_all_that_a_value_depends_on() -> None:
    arm = Toy("one", "one", "toy", scales=(2.0,), timesteps=(5, 50))
    digest = measurements.protocol_digest(arm, arm.build())
    assert digest == measurements.protocol_digest(replace(arm, scales=(3.0,), title="x"), arm.build())
    ways = [{"eta": 0.5}, {"steps": 9}, {"samples": 2}, {"spacing": "timestep"}, {"consistency": False}]
    changes = [{"settings": SamplingSettings(**way)} for way in ways]
    for change in (*changes, {"timesteps": (5, 51)}, {"schedule": "cosine"}):
        other = replace(arm, **change)
        assert measurements.protocol_digest(other, other.build()) != digest
    named = DiffusionRestorer(lambda x, sigma: x, LINEAR, name="another")
    assert measurements.protocol_digest(arm, named) != digest


def test_the_shipped_curves_carry_the_protocols_of_their_arms() -> None:
    # Rebuilt for the arms whose weights are in the repository, in half precision as they were measured.
    stored = load("curves").groupby("arm")["protocol"].unique()
    for name in ("single", "pair", "flow_matching_steps", "wiener"):
        arm = ARMS[name]
        assert list(stored[name]) == [measurements.protocol_digest(arm, arm.build())]


def test_a_photograph_that_joins_later_leaves_the_others_their_spectra(toy_study, tmp_path: Path) -> None:
    toy_study("steps", photographs=2)
    toy_study("steps", photographs=[2])
    toy_study("whole")
    for name, found in read_tables(tmp_path / "steps").items():
        pd.testing.assert_frame_equal(found, read_tables(tmp_path / "whole")[name])


def test_names_that_look_like_numbers_stay_names(toy_study, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"photo{number}.png").rename(tmp_path / f"080{number}.png")
    toy_study("out", "--arms", "one")
    toy_study("out", "--arms", "one")
    table = load("cases", tmp_path / "out")
    assert set(table["image"]) == {"0800", "0801", "0802"} and (table["seeds"] == 2).all()


def test_two_photographs_of_one_name_are_refused(tmp_path: Path) -> None:
    arm = Toy("one", "one", "toy", scales=(2.0,), timesteps=(5, 50))
    paths = [tmp_path / "a" / "photo.png", tmp_path / "b" / "photo.jpg"]
    with pytest.raises(ToolkitError, match="'photo' was given twice"):
        measurements.measure_curves(arm, arm.build(), paths, tmp_path / "store", [0])


def test_an_unknown_arm_and_no_curve_at_all_are_refused(toy_study, tmp_path: Path) -> None:
    toy_study("out", "--seeds", "0", "--arms", "one")
    curves, spectra = (load(name, tmp_path / "out") for name in ("curves", "spectra"))
    with pytest.raises(StoreError, match=r"unknown arm 'older'.*measure the arms one, two"):
        analyse(curves.assign(arm="older"), spectra, command.ARMS)
    with pytest.raises(StoreError, match="hold no rows"):
        analyse(curves[:0], spectra, command.ARMS)


def test_a_curve_at_other_timesteps_is_refused(toy_study, tmp_path: Path) -> None:
    toy_study("out", "--seeds", "0", "--arms", "one")
    path = tmp_path / "out" / "curves.csv.gz"
    curves = pd.read_csv(path)
    for wrong in (curves[curves["t"] != 50], curves.assign(t=curves["t"].replace(50, 51))):
        wrong.to_csv(path, index=False)
        with pytest.raises(StoreError, match="seed 0 was measured at other timesteps than the arm's 3"):
            toy_study("out", photographs=0)


def test_an_analysis_names_what_it_lacks(toy_study, tmp_path: Path) -> None:
    toy_study("out", "--seeds", "0", "--arms", "one")
    path = tmp_path / "out" / "spectra.csv"
    spectra = pd.read_csv(path)
    spectra[spectra["image"] != "photo1"].to_csv(path, index=False)
    with pytest.raises(StoreError, match="the spectrum of photo1 at scale 2 x 2 is missing"):
        toy_study("out", photographs=0)
    with pytest.raises(ToolkitError, match="does not exist: write it with"):
        toy_study("nothing", photographs=0)
