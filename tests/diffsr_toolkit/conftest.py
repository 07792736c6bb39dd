"""Made-up tables in the format of the validation study; what makes them is imported by the tests that ask."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    import pandas as pd

SCALES = [(1.6, 1.6), (2.7, 2.7), (4.0, 4.0), (2.0, 4.0)]


@pytest.fixture(scope="session")
def study_cases() -> pd.DataFrame:
    """Five photographs, four scales, two metrics, three arms; one arm has no model-aware level."""
    from typing import get_args

    import pandas as pd

    from diffsr_toolkit.experiments.study import FIXED, HUNDREDS, OTHER_SEED, SPECTRA, YARDSTICKS
    from theory.prf import Level

    methods = [
        *(f"{level}, {own}" for own in SPECTRA for level in get_args(Level)),
        HUNDREDS,
        FIXED,
        *YARDSTICKS,
    ]
    # More than the best at which the way of choosing answers, in per cent.
    regrets = {"model_aware": 1.0, "spectral": 6.0, "closed_form": 4.0, HUNDREDS: 30.0, FIXED: 3.0}
    regrets |= dict.fromkeys(YARDSTICKS, 0.5)
    rng = np.random.default_rng(0)
    rows = []
    for arm, metric, number, scale in product(
        ("single", "pair", "wiener"), ("psnr_rgb", "feature_distance"), range(5), SCALES
    ):
        t_best = 0.0 if number == 0 and scale == (1.6, 1.6) else float(rng.lognormal(3, 0.7))
        for method in methods:
            level = method.split(",")[0]
            t = {HUNDREDS: 100.0, FIXED: 15.0}.get(method, t_best * float(rng.lognormal(0, 0.4)) + 0.5)
            regret = regrets[level] * (1 + 0.1 * number)
            silent = arm == "wiener" and level == "model_aware"
            rows.append(
                {
                    "image": f"photograph{number}",
                    "scale_y": scale[0],
                    "scale_x": scale[1],
                    "metric": metric,
                    "method": method,
                    "t_pred": np.nan if silent or method == OTHER_SEED else t,
                    "t_best": t_best,
                    "abs_dt": np.nan if silent else abs(t - t_best),
                    "regret_percent": np.nan if silent or method == OTHER_SEED else regret,
                    "regret_one_seed": np.nan if silent else regret + 0.5,
                    "near": np.nan if silent else float(regret <= 1),
                    "beats_bicubic": np.nan if silent else 1.0,
                    "at_edge": t_best == 0.0,
                    "seeds": 2,
                    "arm": arm,
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def study_summary(study_cases: pd.DataFrame) -> pd.DataFrame:
    from diffsr_toolkit.experiments.study import summarise

    return summarise(study_cases)


@pytest.fixture(scope="session")
def study_per_scale(study_cases: pd.DataFrame) -> pd.DataFrame:
    from diffsr_toolkit.experiments.study import summarise

    return summarise(study_cases[study_cases["arm"] == "single"], per_scale=True)


@pytest.fixture(scope="session")
def study_differences(study_cases: pd.DataFrame) -> pd.DataFrame:
    from diffsr_toolkit.experiments.study import FIXED, differences

    own = "model_aware, pooled"
    pairs = [(own, "closed_form, pooled"), ("spectral, pooled", own), (own, "model_aware, per scale")]
    return differences(study_cases[study_cases["arm"] == "single"], [*pairs, (own, FIXED)])


@pytest.fixture(scope="session")
def study_folder(
    tmp_path_factory: pytest.TempPathFactory,
    study_cases: pd.DataFrame,
    study_summary: pd.DataFrame,
    study_per_scale: pd.DataFrame,
    study_differences: pd.DataFrame,
) -> Path:
    """The four tables as the study's command writes them."""
    from diffsr_toolkit.experiments.study import file_name

    folder = tmp_path_factory.mktemp("study")
    tables = {
        "cases": study_cases,
        "summary": study_summary,
        "per_scale": study_per_scale,
        "differences": study_differences,
    }
    for name, table in tables.items():
        table.to_csv(folder / file_name(name), index=False, float_format="%.5g")
    return folder
