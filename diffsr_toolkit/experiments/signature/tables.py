"""Tables of the measured signature, and of its collapse beside the theory's predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diffsr_toolkit.columns import DIFFSR
from diffsr_toolkit.datasets import CLASSES
from diffsr_toolkit.experiments.signature.intervals import (
    bootstrap_picks,
    collapse_interval,
    information_interval,
    share_interval,
)
from diffsr_toolkit.experiments.signature.measure import Judged, SignatureStudy
from diffsr_toolkit.experiments.signature.statistics import confusion, mutual_information
from diffsr_toolkit.experiments.signature.tasks import ONE_STEP, SignatureTask
from diffsr_toolkit.experiments.signature.theory import ceiling_collapse, class_collapse, predicted_collapse
from diffsr_toolkit.images import degrade, effective_scale
from diffsr_toolkit.settings import SamplingSettings

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

LOSSES = (0.1, 0.5)
"""Shares of the signature whose loss is located: where the collapse begins, and its middle."""


def signature_table(study: SignatureStudy, measured: Judged, resamples: int = 1000) -> pd.DataFrame:
    """One row a task: retention, accuracy and information with 95 % intervals over images, fidelity, realism."""
    picks = bootstrap_picks(len(study.pictures), resamples)
    return pd.DataFrame([_row(study, task, result, picks) for task, result in measured.items()])


def _row(study: SignatureStudy, task: SignatureTask, result: dict[str, Any], picks: Counts) -> dict[str, Any]:
    classes = np.array(result["classes"])
    labels = study.pictures.labels.astype(np.int64)
    kept = share_interval(classes, study.original_classes, picks)
    right = share_interval(classes, labels, picks)
    bits = information_interval(labels, classes, len(CLASSES), picks)
    original = mutual_information(confusion(study.original_classes, classes, len(CLASSES)))
    low = degrade(study.hr[:1], task.scale).shape
    return {
        "model": study.restorer.name,
        "method": "bicubic" if task.t is None else "denoiser" if task.settings == ONE_STEP else DIFFSR,
        **task.settings.protocol(),
        "scale": task.scale,
        "effective_scale": round(effective_scale((low[-2], low[-1]), study.size)[0], 4),
        "t": np.nan if task.t is None else task.t,
        "snr": np.nan if task.t is None else float(study.restorer.schedule.snr(task.t)),
        "precision": study.precision,
        "images": len(labels),
        "seed": study.seed,
        "retention": kept.value,
        "retention_low": kept.low,
        "retention_high": kept.high,
        "accuracy": right.value,
        "accuracy_low": right.low,
        "accuracy_high": right.high,
        "information_bits": bits.value,
        "information_low": bits.low,
        "information_high": bits.high,
        "information_original_bits": original,
        "psnr_db": float(np.mean(result["psnr"])),
        "frechet": result["frechet"],
        "high_band_power": np.nan if result["high_band_power"] is None else result["high_band_power"],
    }


def collapse_table(study: SignatureStudy, measured: Judged, resamples: int = 1000) -> pd.DataFrame:
    """Measured collapse of retention and information beside the predictions, one row a curve and loss.

    Returns
    -------
    pandas.DataFrame
        ``t_measured`` is inf where the curve stays above the level at every t; ``t_measured_low`` and
        ``t_measured_high`` are its 95 % interval over pictures. ``plateau`` is the largest retention or information
        over t. Predictions are ``t_closed_form``, ``t_spectral`` (nan where nothing could keep the tolerance),
        ``t_class_model`` (Gaussian classes) and ``t_ceiling``, the bound for information.
    """
    schedule = study.restorer.schedule
    picks = bootstrap_picks(len(study.pictures), resamples)
    predicted = {
        (quantity, loss): class_collapse(schedule, loss, quantity)
        for quantity in ("retention", "information")
        for loss in LOSSES
    }
    rows: list[dict[str, Any]] = []
    for settings, scale in dict.fromkeys(
        (task.settings, task.scale) for task in measured if task.t is not None
    ):
        t, classes = _curve(measured, settings, scale)
        for quantity, curve, chance in _quantities(study, classes):
            for loss in LOSSES:
                found = collapse_interval(t, curve, len(study.pictures), picks, loss, chance)
                rows.append(
                    {
                        **settings.protocol(),
                        "scale": scale,
                        "quantity": quantity,
                        "loss": loss,
                        "plateau": float(curve(np.arange(len(study.pictures))).max()),
                        "t_measured": found.value,
                        "t_measured_low": found.low,
                        "t_measured_high": found.high,
                        "t_closed_form": predicted_collapse(schedule, loss, "closed_form"),
                        "t_spectral": predicted_collapse(schedule, loss, "spectral", scale, settings.eta),
                        "t_class_model": predicted[quantity, loss],
                        "t_ceiling": ceiling_collapse(schedule, loss),
                        "images": len(study.pictures),
                        "seed": study.seed,
                    }
                )
    return pd.DataFrame(rows)


def _curve(measured: Judged, settings: SamplingSettings, scale: float) -> tuple[Array, Counts]:
    """Rising timesteps ``(T,)`` and predicted classes ``(T, N)`` of one curve."""
    points = {
        task.t: result["classes"]
        for task, result in measured.items()
        if task.t is not None and (task.settings, task.scale) == (settings, scale)
    }
    t = np.array(sorted(points))
    return t, np.array([points[value] for value in t], dtype=np.int64)


def _quantities(study: SignatureStudy, classes: Counts) -> list[tuple[str, Callable[[Counts], Array], float]]:
    hits = (classes == study.original_classes).astype(np.float64)
    labels = study.pictures.labels.astype(np.int64)

    def information(pick: Counts) -> Array:
        return np.array(
            [mutual_information(confusion(labels[pick], row[pick], len(CLASSES))) for row in classes]
        )

    return [
        ("retention", lambda pick: hits[:, pick].mean(axis=1), 1 / len(CLASSES)),
        ("information", information, 0.0),
    ]
