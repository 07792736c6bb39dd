"""What the predictions for Fashion-MNIST rest on: a known spectrum and known classes are measured."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.datasets import Split
from diffsr_toolkit.training.fashion import measure_classes, measure_spectrum


def test_the_spectrum_of_white_noise_is_its_variance() -> None:
    rng = np.random.default_rng(0)
    images = np.clip(rng.normal(127.5, 30, size=(1000, 28, 28)), 0, 255).round().astype(np.uint8)
    found = measure_spectrum(Split(images, np.zeros(1000, dtype=np.uint8)))
    variance = (30 / 127.5) ** 2
    # A window's neighbours overlap and the periodogram is symmetric: about an eighth of a ring is independent.
    scatter = 1 / np.sqrt(np.maximum(np.array(found["count"]) / 8, 1000))
    deviation = np.array(found["psd"]) / variance - 1
    # The windowed mean that is removed takes a part of the first ring; 0.02 covers the clipping of levels.
    assert np.all(np.abs(deviation[1:]) < 4.5 * scatter[1:] + 0.02)
    assert found["power_law"]["exponent"] == pytest.approx(0, abs=0.05)
    values = np.array(found["covariance_eigenvalues"])
    assert values.sum() == pytest.approx(784 * variance, rel=0.01) and np.all(np.diff(values) <= 0)


def test_gaussian_classes_are_measured() -> None:
    rng = np.random.default_rng(0)
    centres = rng.uniform(90, 160, size=(3, 4, 4))
    labels = np.repeat(np.arange(3), 4000).astype(np.uint8)
    images = (centres[labels] + rng.normal(0, 12, size=(12_000, 4, 4))).round().astype(np.uint8)
    found = measure_classes(Split(images, labels))
    assert np.allclose(found["variances"], (12 / 127.5) ** 2, rtol=0.1)
    expected = (centres - centres.mean(axis=0)).reshape(3, -1) / 127.5
    gram = found["means"] @ found["means"].T
    assert np.allclose(gram, expected @ expected.T, atol=0.02)
