"""What is known of the pictures that the Fashion-MNIST model was trained on: their spectrum, and their classes."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from diffsr_toolkit.resources import data_path
from theory.spectra import PowerLaw, RadialPSD


def fashion_spectrum() -> tuple[PowerLaw, RadialPSD, NDArray[np.float64]]:
    """Power law, radial spectrum and covariance eigenvalues ``(784,)`` of the training pictures in [-1, 1]."""
    stored = json.loads(data_path("models", "fashion", "spectrum.json").read_text())
    rings = RadialPSD(*(np.array(stored[key]) for key in ("frequency", "psd", "count")))
    return PowerLaw(**stored["power_law"]), rings, np.array(stored["covariance_eigenvalues"])


def class_gaussians() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means ``(10, 784)`` and variances ``(784,)`` of the training pictures' classes as Gaussians of one covariance.

    In the eigenbasis of the covariance within a class; the means' own mean is 0.
    """
    with np.load(data_path("models", "fashion", "classes.npz"), allow_pickle=False) as arrays:
        return arrays["means"].astype(np.float64), arrays["variances"].astype(np.float64)
