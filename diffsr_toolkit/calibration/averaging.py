"""The response that many pictures share, from the measurement of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.settings import SamplingSettings
from diffsr_toolkit.sweeps import Rows
from theory.prf import BANDS, ModelResponse

Array = NDArray[np.float64]


def response_of(
    pictures: Sequence[Rows], model: str = "", settings: SamplingSettings | None = None
) -> ModelResponse:
    """Average the rows of several pictures into what the theory takes.

    Not every picture reaches every noise level, and pictures differ more than levels do, so plain means would
    compare different pictures. Each is therefore the sum of its own level and of an effect of the noise that all
    share, fitted by least squares. The noise moves the gain alike at all scales (`ModelResponse.spread`), so that
    effect is shared by the scales too.

    Parameters
    ----------
    pictures : sequence of list of dict
        What `regeneration` gave for each.
    model : str
    settings : SamplingSettings, optional
        What was measured.

    Raises
    ------
    ToolkitError
        When nothing was measured.
    """
    rows = [(number, row) for number, rows in enumerate(pictures) for row in rows]
    if not rows:
        raise ToolkitError(
            "0 restorations were measured: give photographs and noise levels within the schedule"
        )
    scales = sorted({row["scale"] for _, row in rows})
    ratios = sorted({row["ratio"] for _, row in rows})
    shape = (len(pictures), len(scales), len(ratios), len(BANDS) - 1)
    values = {key: np.full(shape, np.nan) for key in ("gain", "incoherent", "lr_up_power")}
    for number, row in rows:
        place = number, scales.index(row["scale"]), ratios.index(row["ratio"]), row["band"]
        values["gain"][place] = row["gain"]
        values["incoherent"][place] = max(row["power"] - row["gain"] ** 2, 0.0)
        values["lr_up_power"][place] = row["lr_up_power"]
    gain = np.stack([_levels(values["gain"][..., band]) for band in range(shape[-1])], axis=-1)
    separate = [
        [_levels(values["incoherent"][:, k : k + 1, :, band]) for band in range(shape[-1])]
        for k in range(len(scales))
    ]
    incoherent = np.stack([np.stack([plane[0] for plane in planes], axis=-1) for planes in separate])
    with np.errstate(invalid="ignore"):
        power = gain**2 + np.maximum(incoherent, 0)
    return ModelResponse(
        scales=np.array(scales),
        ratios=np.array(ratios),
        gain=gain,
        power=power,
        lr_up_power=_mean(_mean(values["lr_up_power"], axis=2), axis=0),
        spread=_spread(values["gain"]),
        model=model,
        sampler={} if settings is None else settings.protocol(),
    )


def _mean(values: Array, axis: int) -> Array:
    """Mean of what is not nan; nan where nothing is."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=axis)
    count = known.sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _levels(values: Array, rounds: int = 100) -> Array:
    """Mean over pictures of shape (k, n), from (pictures, k, n) with gaps, by a two-way additive fit."""
    own = _mean(values, axis=2)
    effect = np.zeros(values.shape[2])
    for _ in range(rounds):
        shared = _mean((values - own[:, :, None]).reshape(-1, values.shape[2]), axis=0)
        effect = np.where(np.isnan(shared), np.nan, shared)
        own = _mean(values - effect, axis=2)
    # A scale that fewer pictures reach at all keeps only those.
    return np.asarray(_mean(own, axis=0)[:, None] + effect)


def _spread(gain: Array) -> float:
    """Standard deviation between scales of the noise's effect on the gain of the missing bands."""
    missing = gain[..., BANDS[:-1] >= 1]
    effects = []
    for k in range(missing.shape[1]):
        planes = [_levels(missing[:, k : k + 1, :, band])[0] for band in range(missing.shape[-1])]
        effects.append(np.stack(planes, axis=-1))
    table = np.stack(effects)
    common = np.isfinite(table).all(axis=0)
    if len(table) < 2 or not common.any():
        return 0.0
    # Against the noise level with most data, so that levels of different scales do not count.
    row = int(np.argmax(common.sum(axis=1)))
    change = (table - table[:, row : row + 1])[:, common]
    return float(change.std(axis=0).mean())
