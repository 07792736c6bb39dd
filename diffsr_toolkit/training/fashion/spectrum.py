"""Measure what the theory's predictions rest on: the training pictures' spectrum, and their classes' Gaussians."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffsr_toolkit.datasets import Split
from diffsr_toolkit.training.fashion.data import fetch_splits
from theory.spectra import fit_power_law, radial_psd


def measure_spectrum(split: Split) -> dict[str, Any]:
    """Mean radial spectrum, its power law, and the eigenvalues of the pixels' covariance.

    The eigenvalues (falling, of deviations from the mean picture) are what the spectrum stands for where
    pictures are not stationary: white noise of variance v would have 784 times v.
    """
    pictures = split.tensor()[:, 0].numpy()
    rings = radial_psd(pictures)
    # Unlike the channels of one picture, pictures are independent, and the fit corrects for few values.
    rings = replace(rings, count=rings.count * len(pictures))
    law = fit_power_law(rings)
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    variances = np.linalg.eigvalsh(np.cov(flat, rowvar=False))[::-1]
    return {
        "pictures": len(pictures),
        "frequency": [float(f) for f in rings.frequency],
        "psd": [float(f"{value:.6g}") for value in rings.psd],
        "count": [float(count) for count in rings.count],
        "power_law": {"amplitude": law.amplitude, "exponent": law.exponent},
        "covariance_eigenvalues": [float(f"{max(value, 0.0):.5g}") for value in variances],
    }


def measure_classes(split: Split) -> dict[str, NDArray[np.float32]]:
    """The classes as Gaussians of one covariance, as linear discriminant analysis takes them.

    Returns
    -------
    dict
        ``means`` ``(K, d)``: the classes' means less their mean, in the eigenbasis of the covariance within a
        class; ``variances`` ``(d,)``: its eigenvalues, rising.
    """
    flat = split.tensor().flatten(1).double().numpy()
    kinds = np.unique(split.labels)
    means = np.stack([flat[split.labels == kind].mean(axis=0) for kind in kinds])
    within = flat - means[np.searchsorted(kinds, split.labels)]
    variances, basis = np.linalg.eigh(within.T @ within / (len(flat) - len(kinds)))
    centred = (means - means.mean(axis=0)) @ basis
    return {
        "means": centred.astype(np.float32),
        "variances": np.maximum(variances, 0).astype(np.float32),
    }


def write_spectrum(work: Path, out: Path) -> None:
    """Fetch the data below ``work`` and write ``spectrum.json`` and ``classes.npz`` (Debian only)."""
    out.mkdir(parents=True, exist_ok=True)
    pictures = fetch_splits(work)["train"]
    (out / "spectrum.json").write_text(json.dumps(measure_spectrum(pictures)) + "\n")
    np.savez_compressed(out / "classes.npz", **measure_classes(pictures))  # type: ignore[arg-type]
