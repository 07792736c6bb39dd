"""The command that measures slack, and the committed tables it made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.errors import OutputError
from diffsr_toolkit.experiments.slack import (
    MIN_STD,
    PATCH_SOURCES,
    SCALES,
    TIMESTEPS,
    patch_operator,
    patches,
    restoration_frame,
    slack_frame,
    texture_mixture,
)
from diffsr_toolkit.experiments.slack import __main__ as command
from diffsr_toolkit.resources import data_path


def test_patches_are_real_ones_with_contrast():
    cut = patches(5)
    assert cut.shape == (5 * len(PATCH_SOURCES), 64) and np.abs(cut).max() <= 1
    assert np.all(cut.std(axis=1) >= MIN_STD)
    np.testing.assert_array_equal(cut, patches(5))
    assert not np.array_equal(cut, patches(5, seed=1))


@pytest.mark.parametrize(
    ("scale", "whole"), [((1.6, 1.6), (1.6, 1.6)), ((2.7, 2.7), (8 / 3, 8 / 3)), ((2.0, 4.0), (2.0, 4.0))]
)
def test_patch_operator(scale, whole):
    matrix, found = patch_operator(scale)
    assert found == whole
    np.testing.assert_allclose(matrix @ np.ones(64), 1)
    assert np.linalg.matrix_rank(matrix) == round(8 / whole[0]) * round(8 / whole[1])


def test_textures_have_their_spectra():
    law = texture_mixture()
    for covariance in law.covariances:
        shifted = np.roll(covariance.reshape(8, 8, 8, 8), (1, 2, 1, 2), (0, 1, 2, 3)).reshape(64, 64)
        np.testing.assert_allclose(shifted, covariance, atol=1e-12)
    sharp, soft, _ = (np.linalg.eigvalsh(c) for c in law.covariances)
    assert sharp.max() / sharp.min() < soft.max() / soft.min()


def test_the_command_writes_both_tables(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "slack_frame", lambda cut: pd.DataFrame({"n": [len(cut)]}))
    monkeypatch.setattr(command, "restoration_frame", lambda cut: pd.DataFrame({"d": [cut.shape[1]]}))
    out, other = tmp_path / "a.csv", tmp_path / "b.csv"
    command.main(["--out", str(out), "--restoration", str(other), "--patches", "2"])
    assert pd.read_csv(out)["n"].item() == 8 and pd.read_csv(other)["d"].item() == 64
    assert str(out) in capsys.readouterr().out
    with pytest.raises(OutputError, match="choose a writable folder"):
        command.main(["--out", str(out / "a.csv"), "--patches", "2"])


def test_the_committed_slack_is_what_the_command_makes():
    # One timestep of the cheap laws' part, at the default seeds: Gaussian and mixture do not depend on the patches.
    table = pd.read_csv(data_path("bound_slack.csv"))
    assert set(table["t"]) == set(TIMESTEPS) and len(table) == len(SCALES) * len(TIMESTEPS) * 28
    fresh = slack_frame(patches(3), [(2.7, 2.7)], [60.0])
    for law in ("gaussian", "mixture"):
        new = fresh[fresh["oracle"] == law].set_index("bound")
        old = table[(table["oracle"] == law) & (table["t"] == 60)]
        old = old[np.isclose(old["scale_y"], new["scale_y"].iloc[0])].set_index("bound")
        for column in ("value", "truth"):
            np.testing.assert_allclose(new[column], old.loc[new.index, column], rtol=2e-3)


def test_the_committed_restorations_are_what_the_command_makes():
    table = pd.read_csv(data_path("patch_restoration.csv"))
    assert len(table) == len(SCALES) * len(TIMESTEPS) * 2
    new = restoration_frame(patches(), [(2.0, 4.0)], [60.0])
    old = table[(table["t"] == 60) & (table["scale_y"] == 2) & (table["scale_x"] == 4)]
    for column in new.columns:
        # The last digits of a matrix product depend on the machine, and with them a draw now and then.
        np.testing.assert_allclose(new[column], old[column], rtol=0.02, err_msg=column)


def test_the_committed_tables_hold_the_claims():
    table = pd.read_csv(data_path("bound_slack.csv"))
    proved = table[~table["bound"].isin(["sdedit", "edit"])].dropna(subset=["ratio"])
    assert (proved["ratio"] >= 1 - 5 * proved["ratio_std_error"] - 5e-3).all()
    runs = pd.read_csv(data_path("patch_restoration.csv"))
    assert (runs["squared_error"] >= runs["mmse"] - 4 * runs["mmse_std_error"]).all()
    assert (runs["mmse"] <= runs["mmse_linear"] + 4 * runs["mmse_std_error"]).all()
    assert (runs["kept"] <= runs["kept_bound"]).all()
    assert (runs["index_tv"] <= runs["tv_bound"] + 0.02).all() and (
        runs["index_kl"] <= runs["kl_bound"] + 0.02
    ).all()
