"""Measure metrics over images, scales, timesteps and seeds, to find the empirically best injection."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from diffsr_toolkit.consistency import back_project
from diffsr_toolkit.errors import ImageError, TimestepError
from diffsr_toolkit.images import load_image, to_tensor
from diffsr_toolkit.metrics import METRICS, evaluate, protocol
from diffsr_toolkit.images import Scale, Size, as_scale, degrade, effective_scale, upsample
from diffsr_toolkit.sampling import Spacing, check_eta, check_samples, step_sigmas
from diffsr_toolkit.sweeps.store import Rows, Store

if TYPE_CHECKING:
    import pandas as pd

    from diffsr_toolkit.pipeline import DiffSR

BASELINES: dict[str, Callable[[Tensor, Size], Tensor]] = {
    "bicubic": upsample,
    # What the known kernel gives without any network: the fair floor for a sampler that back-projects.
    "back_projection": lambda lr, size: back_project(upsample(lr, size), lr, iterations=5),
}
AUTO_OCTAVES = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0)


@dataclass(frozen=True)
class NamedImage:
    """A high-resolution image with the name that tables use; ``hr`` is ``(C, H, W)`` in [-1, 1]."""

    name: str
    hr: Tensor

    @property
    def digest(self) -> str:
        """Short content hash, so that a store never mixes two images of one name."""
        return hashlib.sha256(self.hr.numpy().tobytes() + repr(tuple(self.hr.shape)).encode()).hexdigest()[
            :12
        ]


def named_images(images: Any) -> list[NamedImage]:
    """Images given as one image, a sequence, or a mapping from names; paths are loaded.

    Raises
    ------
    ImageError
        When there is none, or two share a name.
    """
    if isinstance(images, Mapping):
        pairs = list(images.items())
    elif (
        isinstance(images, str | os.PathLike) or not isinstance(images, Iterable) or hasattr(images, "shape")
    ):
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


def auto_timesteps(sr: DiffSR, predicted: float, octaves: Sequence[float] = AUTO_OCTAVES) -> list[float]:
    """Timesteps around the prediction, uniform in log-SNR, the predicted one among them.

    Parameters
    ----------
    octaves : sequence of float
        Factors of two in noise level ``sigma`` relative to the predicted one.
    """
    sigma = float(sr.schedule.sigma(predicted))
    low, high = (float(sr.schedule.sigma(t)) for t in (sr.schedule.t_min, sr.schedule.t_max))
    levels = [sigma * 2.0**octave for octave in octaves if octave]
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
    consistency: bool = True,
    samples: int = 1,
    spacing: Spacing = "log_snr",
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
        One row a metric: image, method ("diffsr" or one of ``BASELINES``), scale_y, scale_x, t, snr, seed,
        steps, eta, consistency, samples, nfe, seconds, t_pred, metric, value, and the protocol (channel,
        value_range, shave, kernel).

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
            step_sigmas(sr.schedule, t, steps, spacing)
    step_sigmas(sr.schedule, sr.schedule.t_min, steps)
    check_eta(eta)
    check_samples(samples)
    settings: dict[str, Any] = {"steps": steps, "eta": eta, "consistency": consistency, "samples": samples}
    if spacing != "log_snr":
        # Stores made with the usual spacing do not name it.
        settings["spacing"] = spacing
    shared = {"model": sr.name, "weights": sr.weights_digest, **settings, "metrics": chosen}
    kept = Store(store, shared)

    tasks = []
    for picture in pictures:
        for scale in factors:
            lr = degrade(picture.hr, scale)
            predicted = sr.predict(scale, lr, samples=samples, consistency=consistency).t_opt
            tasks += [Task(picture, scale, lr, method, np.nan, 0, predicted) for method in BASELINES]
            for t in auto_timesteps(sr, predicted) if given is None else given:
                tasks += [Task(picture, scale, lr, "diffsr", t, seed, predicted) for seed in seeds]

    rows: Rows = []
    for task in tqdm(tasks, desc="sweep", disable=not progress):
        done = kept.load(task.key)
        if done is None:
            done = [{**row, "t_pred": task.predicted} for row in task.run(sr, chosen, settings)]
            kept.save(task.key, done)
        # The prediction is not part of the measurement: a new calibration leaves a store valid.
        rows += [{**row, "t_pred": task.predicted} for row in done]
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Task:
    """One restoration of one image, the unit that a store keeps."""

    picture: NamedImage
    scale: tuple[float, float]
    lr: Tensor
    method: str
    t: float
    seed: int
    predicted: float

    @property
    def key(self) -> dict[str, Any]:
        """What identifies the task in a store."""
        return {
            "image": self.picture.name,
            "digest": self.picture.digest,
            "scale": self.scale,
            "method": self.method,
            "t": None if np.isnan(self.t) else self.t,
            "seed": self.seed,
        }

    def run(self, sr: DiffSR, metrics: Sequence[str], settings: dict[str, Any]) -> Rows:
        """Restore and measure: one row a metric."""
        hr, lr = self.picture.hr, self.lr
        size = (hr.shape[-2], hr.shape[-1])
        start = time.perf_counter()
        if self.method == "diffsr":
            restored, nfe = sr.restore(lr, size, self.t, seed=self.seed, **settings)
        else:
            restored, nfe = BASELINES[self.method](lr, size), 0
        seconds = time.perf_counter() - start
        true_scale = effective_scale((lr.shape[-2], lr.shape[-1]), size)
        common = {
            "image": self.picture.name,
            "method": self.method,
            "scale_y": self.scale[0],
            "scale_x": self.scale[1],
            "effective_scale_y": true_scale[0],
            "effective_scale_x": true_scale[1],
            "t": self.t,
            "snr": np.nan if np.isnan(self.t) else float(sr.schedule.snr(self.t)),
            "seed": self.seed,
            **settings,
            "nfe": nfe,
            "seconds": seconds,
        }
        values = evaluate(restored, hr, lr, self.scale, metrics=metrics)
        return [
            {**common, "metric": metric, "value": value, **protocol(metric, size, self.scale)}
            for metric, value in values.items()
        ]
