"""Measure metrics over images, scales, timesteps and seeds: where is the injection timestep really best?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from diffsr_toolkit.errors import ImageError, TimestepError
from diffsr_toolkit.images import load_image, to_tensor
from diffsr_toolkit.metrics import METRICS, evaluate, protocol
from diffsr_toolkit.resize import Scale, as_scale, degrade, effective_scale, upsample
from diffsr_toolkit.store import Rows, Store

if TYPE_CHECKING:
    import pandas as pd

    from diffsr_toolkit.pipeline import DiffSR

AUTO_OCTAVES = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0)


@dataclass(frozen=True)
class NamedImage:
    """A high-resolution image with the name that tables use; ``hr`` is ``(C, H, W)`` in [-1, 1]."""

    name: str
    hr: Tensor

    @property
    def digest(self) -> str:
        """Short content hash, so that a store never mixes two images of one name."""
        return hashlib.sha256(self.hr.numpy().tobytes() + repr(tuple(self.hr.shape)).encode()).hexdigest()[:12]


def named_images(images: Any) -> list[NamedImage]:
    """Images given as one image, a sequence, or a mapping from names; paths are loaded.

    Raises
    ------
    ImageError
        When there is none, or two share a name.
    """
    if isinstance(images, Mapping):
        pairs = list(images.items())
    elif isinstance(images, str | os.PathLike) or not isinstance(images, Iterable) or hasattr(images, "shape"):
        pairs = [(_name_of(images, 0), images)]
    else:
        pairs = [(_name_of(image, index), image) for index, image in enumerate(images)]
    if not pairs:
        raise ImageError("0 images were given: a sweep needs at least one")
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ImageError(f"the image name {repeated[0]!r} occurs twice: pass a dict with distinct names")
    return [NamedImage(name, _hr(image)) for name, image in pairs]


def _name_of(image: Any, index: int) -> str:
    return Path(image).stem if isinstance(image, str | os.PathLike) else f"image{index}"


def _hr(image: Any) -> Tensor:
    return to_tensor(load_image(image) if isinstance(image, str | os.PathLike) else image)[0]


def auto_timesteps(sr: DiffSR, scale: Scale, lr: Any, octaves: Sequence[float] = AUTO_OCTAVES) -> list[float]:
    """Timesteps around the prediction, uniform in log-SNR, the predicted one among them.

    Parameters
    ----------
    octaves : sequence of float
        Factors of two in noise level ``sigma`` relative to the predicted one.
    """
    predicted = sr.predict(scale, lr).t_opt
    sigma = float(sr.schedule.sigma(predicted))
    low, high = (float(sr.schedule.sigma(t)) for t in (sr.schedule.t_min, sr.schedule.t_max))
    levels = [sigma * 2.0**octave for octave in octaves]
    inside = [float(sr.schedule.t_of_sigma(level)) for level in levels if low <= level <= high]
    return sorted({*inside, predicted})


def run_sweep(
    sr: DiffSR,
    images: Any,
    *,
    scales: Sequence[Scale],
    timesteps: str | Sequence[float] = "auto",
    metrics: Sequence[str] | None = None,
    seeds: Sequence[int] = (0,),
    store: str | Path | None = None,
    steps: int = 10,
    eta: float = 0.0,
    progress: bool = True,
) -> pd.DataFrame:
    """Degrade whole images, restore them at every timestep, and measure.

    Parameters
    ----------
    images : path, image, sequence or mapping of names to images
        High-resolution images; each is degraded by the toolkit's own kernel.
    scales : sequence of float or (sy, sx)
        Each at least 1.
    timesteps : "auto" or sequence of float
        Injection timesteps; "auto" spreads them around each image's prediction.
    metrics : sequence of str, optional
        Names in ``metrics.METRICS``; all by default.
    seeds : sequence of int
        One restoration each.
    store : path-like, optional
        Folder that keeps every finished task; a repeated call does only what is missing.

    Returns
    -------
    pandas.DataFrame
        One row a metric: image, method ("bicubic" or "diffsr"), scale_y, scale_x, t, snr, seed, steps, eta, nfe,
        seconds, t_pred, metric, value, and the protocol (channel, value_range, shave, kernel).

    Raises
    ------
    ToolkitError
        Bad images, scales, timesteps or metrics, before anything is computed or written.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    chosen = list(METRICS) if metrics is None else list(metrics)
    pictures = named_images(images)
    factors = [as_scale(scale) for scale in scales]
    for metric in chosen:
        protocol(metric, (64, 64), 2.0)
    if isinstance(timesteps, str):
        if timesteps != "auto":
            raise TimestepError(f"timesteps={timesteps!r}: give numbers or 'auto'")
        given = None
    else:
        given = sorted({float(t) for t in timesteps})
        for t in given:
            sr.schedule.sigma(t)
    shared = {"model": sr.name, "steps": steps, "eta": eta, "metrics": chosen}
    kept = Store(store, shared)

    plan = []
    for picture in pictures:
        for scale in factors:
            lr = degrade(picture.hr, scale)
            predicted = sr.predict(scale, lr).t_opt
            plan.append((picture, scale, lr, None, 0, predicted))
            for t in auto_timesteps(sr, scale, lr) if given is None else given:
                plan += [(picture, scale, lr, t, seed, predicted) for seed in seeds]

    rows: Rows = []
    for picture, scale, lr, t, seed, predicted in tqdm(plan, desc="sweep", disable=not progress):
        task = {"image": picture.name, "digest": picture.digest, "scale": scale, "t": t, "seed": seed}
        done = kept.load(task)
        if done is None:
            done = _run_task(sr, picture, scale, lr, t, seed, predicted, steps, eta, chosen)
            kept.save(task, done)
        rows += done
    return pd.DataFrame(rows)


def _run_task(
    sr: DiffSR,
    picture: NamedImage,
    scale: tuple[float, float],
    lr: Tensor,
    t: float | None,
    seed: int,
    predicted: float,
    steps: int,
    eta: float,
    metrics: Sequence[str],
) -> Rows:
    import time

    size = (picture.hr.shape[-2], picture.hr.shape[-1])
    start = time.perf_counter()
    if t is None:
        restored, nfe = upsample(lr, size), 0
    else:
        restored, nfe = sr.restore(lr, size, t, steps=steps, eta=eta, seed=seed)
    seconds = time.perf_counter() - start
    values = evaluate(restored, picture.hr, lr, scale, metrics=metrics)
    true_scale = effective_scale((lr.shape[-2], lr.shape[-1]), size)
    common = {
        "image": picture.name,
        "method": "bicubic" if t is None else "diffsr",
        "scale_y": scale[0],
        "scale_x": scale[1],
        "effective_scale_y": true_scale[0],
        "effective_scale_x": true_scale[1],
        "t": np.nan if t is None else t,
        "snr": np.nan if t is None else float(sr.schedule.snr(t)),
        "seed": seed,
        "steps": 0 if t is None else steps,
        "eta": eta,
        "nfe": nfe,
        "seconds": seconds,
        "t_pred": predicted,
    }
    return [
        {**common, "metric": metric, "value": value, **protocol(metric, size, scale)}
        for metric, value in values.items()
    ]
