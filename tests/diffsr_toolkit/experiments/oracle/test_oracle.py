"""The project's own sampler on Gaussian fields, with the exact denoiser, against the exact theory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from diffsr_toolkit.experiments.oracle import (
    BORDER_FIELDS,
    CASES,
    SCHEDULE,
    Expected,
    FollowedPath,
    OracleCase,
    Row,
    compare,
    field_spectrum,
    imprecision,
    rows,
    steps_table,
)
from diffsr_toolkit.experiments.oracle import __main__ as command
from diffsr_toolkit.models import WienerDenoiser
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.sampling import sample, step_sigmas
from diffsr_toolkit.settings import PAIR, SamplingSettings
from theory.gaussian import radial_array, run_chain


def plain(steps: int = 10, eta: float = 0.0, **others: Any) -> SamplingSettings:
    return SamplingSettings(steps=steps, eta=eta, consistency=False, **others)


CHOSEN = [
    OracleCase("ideal", (16, 16), plain(3, 0.5)),
    OracleCase("ideal", (16, 16), plain(10, 0.0, spacing="timestep")),
    OracleCase("bicubic", (32, 32), plain(10, 1.0)),
    OracleCase("bicubic", (24, 24), plain(3, 0.0)),
    OracleCase("bicubic", (32, 16), plain(1, 0.0)),
    OracleCase("bicubic", (16, 16), plain(10, 0.5), blur_sigma=1.0),
    OracleCase("bicubic", (16, 16), plain(3, 1.0), noise_std=0.1),
    OracleCase("bicubic_with_borders", (7, 7), plain(10, 0.0)),
    OracleCase("bicubic_with_borders", (10, 5), SamplingSettings(eta=0.5)),
    OracleCase("bicubic_with_borders", (7, 7), PAIR),
    OracleCase("bicubic_with_borders", (7, 7), SamplingSettings(steps=3)),
]


@pytest.mark.parametrize("case", CHOSEN, ids=str)
def test_the_sampler_does_what_the_theory_says(case):
    table = compare([case], fields=128)
    assert len(table) >= 5 and set(table.quantity) >= {"mse", "psnr", "frechet", "power, missing"}
    assert (table.deviation.abs() < 4.5).all(), table[["quantity", "predicted", "measured", "standard_error"]]
    if case.settings.samples == 1:
        # Path by path the sampler is the theory's, to float32's rounding, and so is the distance.
        exact = table[table.quantity.isin(["path", "frechet"])]
        assert len(exact) == 2 and (exact.relative_difference.abs() < 1e-5).all()
    mse = table[table.quantity == "mse"].iloc[0]
    assert mse.standard_error / mse.predicted < 0.01


@pytest.mark.parametrize("spacing", ["log_snr", "timestep"])
@pytest.mark.parametrize("steps", [1, 3, 10, 50])
def test_the_impulse_response_is_the_gain(steps, spacing):
    # An impulse holds every frequency once: its spectrum after the sampler is the gain, without any statistics.
    psd = radial_array(field_spectrum, (64, 48))
    sigmas = step_sigmas(SCHEDULE, 150.0, steps, spacing)
    impulse = torch.zeros(1, 1, 64, 48, dtype=torch.float64)
    impulse[..., 0, 0] = 1
    *_, last = sample(WienerDenoiser(psd, periodic=True), impulse, sigmas)
    gain = torch.fft.fft2(last.x[0, 0]).numpy()
    np.testing.assert_allclose(gain, run_chain(sigmas, psd).gain, atol=1e-6)


def test_batches_are_pooled_until_they_are_precise():
    case = CHOSEN[7]
    one = [compare([case], fields=16, seed=seed) for seed in (3, 4)]
    both = compare([case], fields=16, seed=3, precision=1e-9, most_batches=2)
    assert (both.fields == 2 * one[0].fields).all()
    np.testing.assert_allclose(both.measured, (one[0].measured + one[1].measured) / 2)
    chance = both[both.standard_error > 2e-5 * both.predicted]
    errors = [table.standard_error[chance.index] for table in one]
    np.testing.assert_allclose(chance.standard_error, np.hypot(*errors) / 2)
    assert (compare([case], fields=16, precision=1.0, most_batches=9).fields == one[0].fields).all()


def test_imprecision_is_the_largest():
    found = [Row("a", 2.0, 2.1, 0.02), Row("b", -1.0, -1.0, 0.03), Row("c", 0.0, 0.1, 5.0)]
    assert imprecision(found) == pytest.approx(0.03)


def test_a_wrong_theory_is_caught():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4000, 6))
    one, half = np.ones(6), np.array([True] * 3 + [False] * 3)
    bands = {"surviving": half, "missing": ~half}
    right = rows(Expected(one, 1.25 * one, 0.25 * one, bands), x, x + 0.5 * rng.standard_normal(x.shape))
    assert all(abs(row.measured - row.predicted) < 4 * row.standard_error for row in right)
    wrong = rows(Expected(one, 1.2 * one, 0.2 * one, bands), x, x + 0.5 * rng.standard_normal(x.shape))
    assert all(abs(row.measured - row.predicted) > 4 * row.standard_error for row in wrong)


def test_a_path_hides_no_wrong_moment_and_no_wrong_sampler():
    rng = np.random.default_rng(0)
    one, half = np.ones(6), np.array([True] * 3 + [False] * 3)
    bands = {"surviving": half, "missing": ~half}
    x = rng.standard_normal((4000, 6))
    y = x + 0.5 * rng.standard_normal(x.shape)

    def distance(power, restored):
        expected = Expected(one, power, 0.25 * one, bands)
        found = rows(expected, x, restored, path=FollowedPath(y, 1.25 * one))
        return {row.quantity: row for row in found}

    right = distance(1.25 * one, y)
    assert right["frechet"].measured == pytest.approx(right["frechet"].predicted, rel=1e-9)
    for wrong in (distance(1.3 * one, y), distance(1.25 * one, 1.05 * y)):
        row = wrong["frechet"]
        assert abs(row.measured - row.predicted) > max(4 * row.standard_error, 0.05 * row.predicted)
    assert distance(1.25 * one, 1.05 * y)["path"].measured > 1.1 * right["path"].predicted


def test_the_frechet_estimate_has_no_bias():
    # The root of a mean of few powers is too small: with 64 fields by an eighth of a percent of the power each.
    rng = np.random.default_rng(1)
    one = np.ones(10_000)
    x = rng.standard_normal((64, len(one)))
    y = rng.standard_normal(x.shape)
    row = rows(Expected(one, one, 2 * one, {"all": one > 0}), x, y)[-1]
    assert row.predicted == 0 and abs(row.measured) < 2e-4 < 1 / (4 * 64)


def test_few_steps_approach_the_limit():
    table = steps_table(counts=(1, 3, 10, 1000))
    for eta in (0.0, 1.0):
        part = table[(table.eta == eta) & (table.spacing != "timestep")]
        assert (np.diff(part.frechet) < 0).all() and (np.diff(part.psnr) < 0).all()
        assert (np.diff(part.regenerated_share) > 0).all()
        assert abs(np.diff(part.psnr)[-1]) < 0.06


def test_the_command_writes_every_case(tmp_path, monkeypatch, capsys):
    seen = {}

    def few(**options):
        seen.update(options)
        return compare(CHOSEN[7:8], fields=16)

    monkeypatch.setattr(command, "compare", few)
    path = tmp_path / "deep" / "oracle.csv"
    command.main(["--out", str(path), "--fields", "64", "--most-batches", "3"])
    assert (seen["fields"], seen["most_batches"], seen["precision"]) == (64, 3, 0.0025)
    table = pd.read_csv(path)
    assert list(table) == list(pd.read_csv(data_path("gaussian_oracle.csv")))
    assert "bicubic_with_borders" in capsys.readouterr().out and (table.lr_shape == "7x7").all()


def test_the_committed_table_agrees():
    table = pd.read_csv(data_path("gaussian_oracle.csv"))
    settings = [
        "operator",
        "lr_shape",
        "steps",
        "eta",
        "spacing",
        "blur_sigma",
        "noise_std",
        "consistency",
        "samples",
    ]
    stored = table[settings].drop_duplicates().to_dict("records")
    assert stored == [{name: case.columns()[name] for name in settings} for case in CASES]
    assert table.groupby("quantity").size()["mse"] == len(CASES)
    assert (
        table.fields % np.where(table.operator == "bicubic_with_borders", 2048 * BORDER_FIELDS, 2048) == 0
    ).all()
    np.testing.assert_allclose(table.relative_difference, table.measured / table.predicted - 1, atol=2e-5)
    assert (table.deviation.abs() < 4.5).all()
    assert (table.standard_error < 0.0026 * table.predicted).all()
    assert (table.relative_difference.abs() < 0.01).all()
