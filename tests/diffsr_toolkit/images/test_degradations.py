"""Degradations that are applied: each does what ``theory.Degradation`` says of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from diffsr_toolkit.errors import ImageError, ScaleError
from diffsr_toolkit.images import blurred, compressed, degrade_with, jpeg_quality, resize
from theory.degradation import Degradation


@pytest.fixture(scope="module")
def hr() -> torch.Tensor:
    rows = torch.linspace(0, 6, 96)[:, None]
    columns = torch.linspace(0, 9, 120)[None, :]
    return (
        torch.stack([torch.sin(rows + columns), torch.cos(rows * columns), torch.sin(columns * 3) + 0 * rows])
        * 0.7
    )


def test_bicubic_is_the_kernel_alone(hr: torch.Tensor) -> None:
    assert torch.equal(degrade_with(hr, 3.0), resize(hr, (32, 40)))
    assert degrade_with(hr, (2.0, 2.5)).shape == (3, 48, 48)


def test_blur_has_the_stated_width() -> None:
    point = torch.zeros(1, 81, 81, dtype=torch.float64)
    point[0, 40, 40] = 1
    spread = blurred(point, 2.5)[0]
    across = torch.arange(-40, 41, dtype=torch.float64)
    assert float(spread.sum()) == pytest.approx(1, abs=1e-6)
    assert float((spread.sum(0) * across**2).sum()) ** 0.5 == pytest.approx(2.5, rel=0.01)


def test_noise_has_the_stated_deviation_and_its_seed(hr: torch.Tensor) -> None:
    noisy = degrade_with(hr, 2.0, Degradation(noise_std=0.1), seed=3)
    noise = noisy - degrade_with(hr, 2.0)
    assert float(noise.std()) == pytest.approx(0.1, rel=0.03)
    assert abs(float(torch.corrcoef(noise.reshape(3, -1))[0, 1])) < 0.06
    assert torch.equal(noisy, degrade_with(hr, 2.0, Degradation(noise_std=0.1), seed=3))
    assert not torch.equal(noisy, degrade_with(hr, 2.0, Degradation(noise_std=0.1), seed=4))


@pytest.mark.parametrize("channels", [1, 3])
def test_compression_is_pillows(hr: torch.Tensor, channels: int) -> None:
    lr = degrade_with(hr[:channels], 2.0, Degradation(jpeg_quality=40))
    plain = degrade_with(hr[:channels], 2.0)
    levels = ((plain + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(levels.squeeze()).save(buffer, "JPEG", quality=40)
    decoded = torch.from_numpy(np.array(Image.open(buffer))).reshape(48, 60, channels).permute(2, 0, 1)
    assert torch.equal(((lr + 1) * 127.5).round().byte(), decoded)
    assert lr.shape == plain.shape and lr.dtype == plain.dtype
    worse = compressed(plain, 10)
    assert float((worse - plain).pow(2).mean()) > float((lr - plain).pow(2).mean())


def test_the_order_is_blur_noise_compression(hr: torch.Tensor) -> None:
    whole = degrade_with(hr, 2.0, Degradation(1.5, 0.05, 60), seed=1)
    noisy = degrade_with(hr, 2.0, Degradation(1.5, 0.05), seed=1)
    assert torch.equal(whole, compressed(noisy, 60))


@pytest.mark.parametrize(
    "bad", [torch.zeros(4, 8, 8), torch.zeros(8, 8), torch.zeros(3, 8, 8, dtype=torch.uint8)]
)
def test_bad_images_are_refused(bad: torch.Tensor) -> None:
    with pytest.raises(ImageError, match=r"\(C, H, W\)"):
        degrade_with(bad, 2.0)


def test_bad_scales_are_refused(hr: torch.Tensor) -> None:
    with pytest.raises(ScaleError):
        degrade_with(hr, 0.5)


@pytest.mark.parametrize("quality", [12, 50, 75, 93])
def test_a_jpeg_file_tells_its_own_quality(quality: int) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG", quality=quality)
    image = Image.open(buffer)
    assert jpeg_quality(image) == quality
    assert jpeg_quality(image.copy()) is None
