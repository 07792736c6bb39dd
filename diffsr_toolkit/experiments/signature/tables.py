"""Tables of the measured signature, and of its collapse beside the theory's predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diffsr_toolkit.datasets import CLASSES
from diffsr_toolkit.images import degrade, effective_scale
from diffsr_toolkit.experiments.signature.measure import DENOISER, Bench, Measured, Setting, Task
from diffsr_toolkit.experiments.signature.statistics import (
    Counts,
    bootstrap_picks,
    collapse_estimate,
    confusion,
    information_estimate,
    interval,
    mutual_information,
)
from diffsr_toolkit.experiments.signature.theory import ceiling_collapse, class_collapse, predicted_collapse

Array = NDArray[np.float64]

LOSSES = (0.1, 0.5)
"""Shares of the signature whose loss is located: where the collapse begins, and its middle."""


def signature_table(bench: Bench, measured: Measured, resamples: int = 1000) -> pd.DataFrame:
    """One row a task: retention, accuracy and information with 95 % intervals over images, fidelity, realism."""
    picks = bootstrap_picks(len(bench.pictures), resamples)
    return pd.DataFrame([_row(bench, task, result, picks) for task, result in measured.items()])


def _row(bench: Bench, task: Task, result: dict[str, Any], picks: Counts) -> dict[str, Any]:
    classes = np.array(result["classes"])
    labels = bench.pictures.labels.astype(np.int64)
    kept = share_kept(classes, bench.original_classes, picks)
    right = share_kept(classes, labels, picks)
    bits = information_estimate(labels, classes, len(CLASSES), picks)
    original = mutual_information(confusion(bench.original_classes, classes, len(CLASSES)))
    low = degrade(bench.hr[:1], task.scale).shape
    return {
        "model": bench.sr.name,
        "method": "bicubic" if task.t is None else "denoiser" if task.setting == DENOISER else "diffsr",
        **asdict(task.setting),
        "scale": task.scale,
        "effective_scale": round(effective_scale((low[-2], low[-1]), bench.size)[0], 4),
        "t": np.nan if task.t is None else task.t,
        "snr": np.nan if task.t is None else float(bench.sr.schedule.snr(task.t)),
        "precision": bench.precision,
        "images": len(labels),
        "seed": bench.seed,
        "retention": kept[0],
        "retention_low": kept[1],
        "retention_high": kept[2],
        "accuracy": right[0],
        "accuracy_low": right[1],
        "accuracy_high": right[2],
        "information_bits": bits.value,
        "information_low": bits.low,
        "information_high": bits.high,
        "information_original_bits": original,
        "psnr_db": float(np.mean(result["psnr"])),
        "frechet": result["frechet"],
        "high_band_power": np.nan if result["high_band_power"] is None else result["high_band_power"],
    }


def share_kept(
    classes: NDArray[np.int64], wanted: NDArray[np.int64], picks: Counts
) -> tuple[float, float, float]:
    """Share of equal classes with its 95 % interval over images."""
    hits = (classes == wanted).astype(np.float64)
    return interval(float(hits.mean()), hits[picks].mean(axis=1), (0.0, 1.0))


def collapse_table(bench: Bench, measured: Measured, resamples: int = 1000) -> pd.DataFrame:
    """Measured collapse of retention and information beside the predictions, one row a curve and loss.

    Returns
    -------
    pandas.DataFrame
        ``t_measured`` is inf where the curve stays above the level at every t; ``t_measured_low`` and
        ``t_measured_high`` are its 95 % interval over pictures. ``plateau`` is the largest retention or information
        over t. Predictions are ``t_closed_form``, ``t_spectral`` (nan where nothing could keep the tolerance),
        ``t_class_model`` (Gaussian classes) and ``t_ceiling``, the bound for information.
    """
    schedule = bench.sr.schedule
    picks = bootstrap_picks(len(bench.pictures), resamples)
    predicted = {
        (quantity, loss): class_collapse(schedule, loss, quantity)
        for quantity in ("retention", "information")
        for loss in LOSSES
    }
    rows: list[dict[str, Any]] = []
    for setting, scale in dict.fromkeys(
        (task.setting, task.scale) for task in measured if task.t is not None
    ):
        t, classes = _curve(measured, setting, scale)
        for quantity, curve, chance in _quantities(bench, classes):
            for loss in LOSSES:
                found = collapse_estimate(t, curve, len(bench.pictures), picks, loss, chance)
                rows.append(
                    {
                        "consistency": setting.consistency,
                        "eta": setting.eta,
                        "steps": setting.steps,
                        "scale": scale,
                        "quantity": quantity,
                        "loss": loss,
                        "plateau": float(curve(np.arange(len(bench.pictures))).max()),
                        "t_measured": found.value,
                        "t_measured_low": found.low,
                        "t_measured_high": found.high,
                        "t_closed_form": predicted_collapse(schedule, loss, "closed_form"),
                        "t_spectral": predicted_collapse(schedule, loss, "spectral", scale, setting.eta),
                        "t_class_model": predicted[quantity, loss],
                        "t_ceiling": ceiling_collapse(schedule, loss),
                        "images": len(bench.pictures),
                        "seed": bench.seed,
                    }
                )
    return pd.DataFrame(rows)


def _curve(measured: Measured, setting: Setting, scale: float) -> tuple[Array, Counts]:
    """Rising timesteps ``(T,)`` and predicted classes ``(T, N)`` of one curve."""
    points = {
        task.t: result["classes"]
        for task, result in measured.items()
        if task.t is not None and (task.setting, task.scale) == (setting, scale)
    }
    t = np.array(sorted(points))
    return t, np.array([points[value] for value in t], dtype=np.int64)


def _quantities(bench: Bench, classes: Counts) -> list[tuple[str, Callable[[Counts], Array], float]]:
    hits = (classes == bench.original_classes).astype(np.float64)
    labels = bench.pictures.labels.astype(np.int64)

    def information(pick: Counts) -> Array:
        return np.array(
            [mutual_information(confusion(labels[pick], row[pick], len(CLASSES))) for row in classes]
        )

    return [
        ("retention", lambda pick: hits[:, pick].mean(axis=1), 1 / len(CLASSES)),
        ("information", information, 0.0),
    ]
