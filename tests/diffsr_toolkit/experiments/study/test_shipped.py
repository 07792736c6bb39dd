"""The shipped tables of the study follow from its shipped measurements, and hold what the study claims."""

from __future__ import annotations

import pandas as pd
import pytest

from diffsr_toolkit.experiments.study import ARMS, analyse, load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def curves() -> pd.DataFrame:
    return load("curves")


@pytest.mark.parametrize(("arm", "metric"), [("ancestral", "feature_distance"), ("ffdnet", "psnr_rgb")])
def test_the_shipped_tables_are_the_analysis_of_the_shipped_curves(curves, arm: str, metric: str) -> None:
    part = curves[(curves["arm"] == arm) & (curves["metric"] == metric)]
    for name, table in analyse(part, load("spectra")).items():
        shipped = load(name)
        shipped = shipped[(shipped["arm"] == arm) & (shipped["metric"] == metric)].reset_index(drop=True)
        pd.testing.assert_frame_equal(table[shipped.columns], shipped, rtol=1e-4, check_dtype=False)


def test_every_arm_was_measured_on_twenty_photographs_with_two_seeds(curves) -> None:
    assert set(curves["arm"]) == set(ARMS)
    for _, rows in curves.groupby("arm"):
        counts = rows.groupby("image")["seed"].nunique()
        assert len(counts) >= 20 and (counts == 2).all()
