"""How far a picture's own spectrum counts against the mean of its domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from diffsr_toolkit.columns import DIFFSR
from diffsr_toolkit.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd

SHARE_METRICS = ("psnr_rgb", "ssim", "feature_distance")

FEWEST_PICTURES = 5
"""Pictures from which a share is told; fewer leave the line through their optima to chance."""

_FEWEST_POWERS = 3
"""Different powers that a slope and its precision need."""

_LEAST_VARIANCE = 1e-9
"""Of a slope: optima that chance drew at one end of the candidates leave no residual."""


def image_share(frames: Sequence[pd.DataFrame], resamples: int = 500) -> dict[str, float] | None:
    """How far a picture's best noise level follows its own power at the cut-off: 1 as the theory says, 0 not at all.

    Slope of the best log-SNR on ``-log S(f_c)`` over the pictures, one for each sampler and metric, weighted by
    precision, in [0, 1].

    Parameters
    ----------
    frames : sequence of DataFrame
        `sweep_candidates` of all pictures, one frame for each sampler.
    resamples : int
        Of the bootstrap over pictures, which all samplers and metrics share.

    Returns
    -------
    dict or None
        ``share``; its bootstrap ``std``; ``at_edge``, how many of the optima are the first or last candidate. None
        where the pictures do not tell: fewer than `FEWEST_PICTURES`, or of one power, or with no optimum between the
        candidates.
    """
    optima = _optima(frames)
    edges = (optima["log_snr"] == optima["lowest"]) | (optima["log_snr"] == optima["highest"])
    # Where all optima are the same end of the candidates, their slope is 1 whatever the pictures.
    told = optima[~edges.groupby([optima["sampler"], optima["metric"]]).transform("all")]
    by_image = [rows for _, rows in told.groupby("image")]
    share = _mean_slope(told) if len(by_image) >= FEWEST_PICTURES else None
    if share is None:
        return None
    import pandas as pd

    rng = np.random.default_rng(0)
    drawn = [
        _mean_slope(pd.concat([by_image[index] for index in rng.integers(len(by_image), size=len(by_image))]))
        for _ in range(resamples)
    ]
    return {
        "share": round(float(np.clip(share, 0, 1)), 3),
        "std": round(float(np.std([slope for slope in drawn if slope is not None], ddof=1)), 3),
        "at_edge": int(edges.sum()),
    }


def _optima(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "sampler": number,
                "metric": metric,
                "image": image,
                "power": -np.log(rows.cutoff_psd.iloc[0]),
                "log_snr": best_log_snr(rows, str(metric)),
                "lowest": np.log(rows.snr.min()),
                "highest": np.log(rows.snr.max()),
            }
            for number, frame in enumerate(frames)
            for (metric, image), rows in frame[
                (frame.method == DIFFSR) & frame.metric.isin(SHARE_METRICS) & frame.value.notna()
            ].groupby(["metric", "image"])
        ]
    )


def _mean_slope(optima: pd.DataFrame) -> float | None:
    """Slope weighted by precision; None where too few powers differ."""
    slopes, precisions = [], []
    for _, rows in optima.groupby(["sampler", "metric"]):
        if rows.power.nunique() < _FEWEST_POWERS:
            return None
        (slope, _), covariance = np.polyfit(rows.power, rows.log_snr, 1, cov=True)
        slopes.append(slope)
        precisions.append(1 / max(covariance[0, 0], _LEAST_VARIANCE))
    return float(np.average(slopes, weights=precisions)) if slopes else None


def best_log_snr(rows: pd.DataFrame, metric: str) -> float:
    """Best log-SNR of one picture: the parabola through the best candidate and its neighbours."""
    values = rows.groupby("snr")["value"].mean()
    x = np.log(values.index.to_numpy())
    y = values.to_numpy() if METRICS[metric].higher_is_better else -values.to_numpy()
    best = int(np.argmax(y))
    if best in (0, len(y) - 1):
        return float(x[best])
    a, b, _ = np.polyfit(x[best - 1 : best + 2], y[best - 1 : best + 2], 2)
    return float(-b / (2 * a))
