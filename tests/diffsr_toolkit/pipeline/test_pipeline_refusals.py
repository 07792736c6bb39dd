"""``DiffSR``: what it cannot do is refused before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diffsr_toolkit import DiffSR
from diffsr_toolkit.errors import ImageError, ModelError, ScaleError, TimestepError, ToolkitError
from diffsr_toolkit.images import load_image
from helpers.pipeline import LINEAR, Spy, picture, toolkit


@pytest.mark.parametrize(
    "scale",
    [0, 0.99, -2, float("nan"), float("inf"), "2", True, (2,), (1, 2, 3), (2, 0.5), (2, float("nan")), 1e400],
)
def test_bad_scales_are_refused(scale: object) -> None:
    spy = Spy()
    with pytest.raises(ScaleError, match="scale"):
        toolkit(spy).upscale(picture(), scale, t=50)
    with pytest.raises(ScaleError, match="scale"):
        toolkit(spy).predict(scale)
    assert spy.inputs == []


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"scale": 2, "size": (18, 14)},
        {"size": (8, 14)},
        {"size": (18.5, 14)},
        {"size": (0, 0)},
        {"size": 20},
    ],
)
def test_bad_sizes_are_refused(arguments: dict[str, Any]) -> None:
    spy = Spy()
    with pytest.raises(ScaleError):
        toolkit(spy).upscale(picture(), **arguments, t=50)
    assert spy.inputs == []


@pytest.mark.parametrize("t", [-1, 999.01, 1e9, float("nan"), float("inf"), "50", "best", None])
def test_bad_timesteps_are_refused(t: object) -> None:
    spy = Spy()
    with pytest.raises(TimestepError, match=r"t ?="):
        toolkit(spy).upscale(picture(), 2, t=t)
    assert spy.inputs == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"steps": 0},
        {"steps": 1.5},
        {"eta": 2},
        {"eta": float("nan")},
        {"samples": 0},
        {"samples": 1.5},
        {"seed": 0.5},
        {"seed": None},
        {"spacing": "x"},
    ],
)
def test_bad_sampling_arguments_are_refused(arguments: dict[str, Any]) -> None:
    spy = Spy()
    with pytest.raises(ToolkitError, match=next(iter(arguments))):
        toolkit(spy).upscale(picture(), 2, **{"t": 50, **arguments})
    assert spy.inputs == []


@pytest.mark.parametrize(
    "image",
    [
        None,
        "photo.png",
        [[0.0]],
        torch.zeros(3, 0, 4),
        torch.full((3, 4, 4), float("nan")),
        np.zeros((4, 4, 5)),
    ],
)
def test_bad_images_are_refused(image: object) -> None:
    spy = Spy()
    with pytest.raises(ImageError):
        toolkit(spy).upscale(image, 2, t=50)
    assert spy.inputs == []


def test_an_output_beyond_the_memory_is_refused_with_the_scale_that_fits() -> None:
    spy = Spy()
    with pytest.raises(ImageError, match=r"GiB.*largest scale that fits|largest output of this shape"):
        toolkit(spy).upscale(picture(), 1e6, t=50)
    with pytest.raises(ImageError, match="GiB"):
        toolkit(spy).upscale(picture(), 2, t=50, samples=10**8)
    with pytest.raises(ScaleError, match="too large"):
        toolkit(spy).upscale(picture(), 1e308, t=50)
    assert spy.inputs == []


def test_missing_and_corrupt_files_are_refused(tmp_path: Path) -> None:
    corrupt = tmp_path / "corrupt.png"
    corrupt.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    for path in (corrupt, tmp_path / "absent.png", tmp_path):
        with pytest.raises(ImageError, match=path.name):
            load_image(path)


def test_constructor_refuses_what_cannot_work() -> None:
    for arguments in (
        {"denoiser": None, "schedule": LINEAR},
        {"denoiser": Spy(), "schedule": [0.9, 0.5]},
        {"denoiser": Spy(), "schedule": LINEAR, "channels": 4},
        {"denoiser": Spy(2), "schedule": LINEAR},
    ):
        with pytest.raises(ModelError):
            DiffSR(**arguments)
    with pytest.raises(ModelError, match="nonsense"):
        DiffSR.from_pretrained("nonsense")


def test_a_denoiser_that_fails_is_named() -> None:
    with pytest.raises(ModelError, match="not finite"):
        toolkit(lambda x, sigma: x * float("nan")).upscale(picture(), 2, t=50)


@pytest.mark.parametrize(
    "arguments", [{"degradation": "motion blur"}, {"metric": "beauty"}, {"level": "gut feeling"}]
)
def test_bad_prediction_arguments_are_refused(arguments: dict[str, str]) -> None:
    with pytest.raises(ToolkitError, match=next(iter(arguments.values()))):
        toolkit().predict(2, **arguments)
