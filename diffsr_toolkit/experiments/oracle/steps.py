"""What few steps cost, exactly: the solvable model against the number of network evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import numpy as np

from diffsr_toolkit.experiments.oracle.cases import PERIODIC_SIDE, SCHEDULE, TIMESTEP, field_spectrum
from diffsr_toolkit.sampling import step_sigmas
from diffsr_toolkit.settings import Spacing
from theory.gaussian import Chain, GaussianModel, flow_limit, posterior_limit, psnr

if TYPE_CHECKING:
    import pandas as pd


def steps_table(
    scale: float = 4.0, t: float = TIMESTEP, counts: Sequence[int] = (1, 2, 3, 5, 10, 20, 50, 100, 1000)
) -> pd.DataFrame:
    """What few steps do, exactly: PSNR, Frechet distance and regenerated share against the number of steps.

    Parameters
    ----------
    scale : float
        Bicubic, with all its aliasing as of ``theory.degradation``.
    t : float
        Injection timestep on the linear schedule.
    counts : sequence of int
        Numbers of steps; a last row gives the limit of infinitely many.

    Returns
    -------
    DataFrame
        "steps", "eta", "spacing", "psnr" (dB), "frechet" (per value), "regenerated_share".
    """
    import pandas as pd

    shape = (PERIODIC_SIDE, PERIODIC_SIDE)
    table: list[dict[str, object]] = []
    for eta in (0.0, 1.0):
        for spacing in get_args(Spacing):
            for steps in counts:
                sigmas = step_sigmas(SCHEDULE, t, steps, spacing)
                model = GaussianModel.of(field_spectrum, shape, scale, sigmas, eta)
                table.append(_summary(model, model.chain) | {"steps": steps, "eta": eta, "spacing": spacing})
        model = GaussianModel.of(field_spectrum, shape, scale, [float(SCHEDULE.sigma(t)), 0.0])
        limit = (flow_limit if eta == 0 else posterior_limit)(SCHEDULE.sigma(t), model.psd)
        table.append(_summary(model, limit) | {"steps": np.inf, "eta": eta, "spacing": "limit"})
    columns = ["steps", "eta", "spacing", "psnr", "frechet", "regenerated_share"]
    return pd.DataFrame(table)[columns]


def _summary(model: GaussianModel, chain: Chain) -> dict[str, object]:
    state = (model.transfer, model.psd, model.added)
    missing = np.maximum(1 - model.transfer**2, 0)
    share = (missing * chain.output_power(*state)).sum() / (missing * model.psd).sum()
    return {
        "psnr": float(psnr(chain.squared_error(*state).mean())),
        "frechet": float(chain.frechet_deficit(*state).mean()),
        "regenerated_share": float(share),
    }
