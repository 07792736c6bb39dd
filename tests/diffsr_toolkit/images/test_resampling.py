from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from diffsr_toolkit.errors import ImageError, ScaleError
from diffsr_toolkit.images import degrade, effective_scale, lr_size, output_size, resize, upsample

sides = st.integers(1, 40)
factors = st.floats(1, 6, allow_nan=False)


@pytest.mark.parametrize(
    ("shape", "scale", "expected"),
    [
        ((10, 10), 2.7, (27, 27)),
        ((5, 3), 2.5, (13, 8)),
        ((7, 9), (1.0, 1.6), (7, 14)),
        ((1, 1), 1, (1, 1)),
        ((3, 3), Fraction(7, 2), (11, 11)),
        ((4, 4), np.float32(1.5), (6, 6)),
        ((4, 6), [2, 3], (8, 18)),
    ],
)
def test_output_size_rounds_half_up(shape, scale, expected):
    assert output_size(shape, scale) == expected


def test_output_size_takes_the_wanted_size():
    assert output_size((4, 5), size=(4, 9)) == (4, 9)
    assert output_size((4, 5), size=np.array([6, 9])) == (6, 9)


def test_a_scale_whose_size_overflows_is_refused():
    with pytest.raises(ScaleError, match="too large"):
        output_size((100, 100), 1e308)


@pytest.mark.parametrize("size", [(3, 9), (0, 9), (9,), (9, 9, 9), (9.5, 9), (True, 9), 9, "ab"])
def test_unusable_sizes_are_refused(size):
    with pytest.raises(ScaleError, match="size"):
        output_size((4, 5), size=size)


def test_exactly_one_of_scale_and_size():
    with pytest.raises(ScaleError, match="exactly one"):
        output_size((4, 5))
    with pytest.raises(ScaleError, match="exactly one"):
        output_size((4, 5), 2, size=(8, 10))


@pytest.mark.parametrize("shape", [(0, 4), (4,), (4.0, 4), None])
def test_unusable_shapes_are_refused(shape):
    with pytest.raises(ImageError, match="shape"):
        output_size(shape, 2)


@settings(deadline=None, max_examples=200)
@given(sides, sides, factors, factors)
def test_sizes_are_the_nearest_and_never_empty(height, width, sy, sx):
    out = output_size((height, width), (sy, sx))
    low = lr_size((height, width), (sy, sx))
    for side, factor, up, down in zip((height, width), (sy, sx), out, low, strict=True):
        assert up >= side
        assert abs(up - side * factor) <= 0.5
        assert 1 <= down <= side
        assert down == 1 or abs(down - side / factor) <= 0.5


@settings(deadline=None, max_examples=60)
@given(sides, sides, sides, sides, st.floats(-1, 1), st.sampled_from([torch.float32, torch.float64]))
def test_a_constant_stays_constant(height, width, new_height, new_width, value, dtype):
    x = torch.full((2, height, width), value, dtype=dtype)
    y = resize(x, (new_height, new_width))
    assert y.shape == (2, new_height, new_width)
    assert y.dtype == dtype
    torch.testing.assert_close(y, torch.full_like(y, value), rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_out", [101, 150, 173, 256])
@pytest.mark.parametrize("axis", [1, 2])
def test_enlarging_reproduces_a_ramp_away_from_the_borders(n_out, axis):
    n_in = 64
    ramp = (torch.arange(n_in, dtype=torch.float64) + 0.5) / n_in
    x = ramp.expand(1, 8, n_in) if axis == 2 else ramp[:, None].expand(1, n_in, 8)
    y = resize(x, (8, n_out) if axis == 2 else (n_out, 8)).select(3 - axis, 0)[0]
    expected = (torch.arange(n_out, dtype=torch.float64) + 0.5) / n_out
    inner = slice(n_out // 8, -n_out // 8)
    torch.testing.assert_close(y[inner], expected[inner], rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_out", [23, 37, 40, 53])
@pytest.mark.parametrize("axis", [1, 2])
def test_reducing_keeps_a_ramp_to_a_fraction_of_a_pixel(n_out, axis):
    n_in = 64
    ramp = torch.arange(n_in, dtype=torch.float64) + 0.5
    x = ramp.expand(1, 8, n_in) if axis == 2 else ramp[:, None].expand(1, n_in, 8)
    y = resize(x, (8, n_out) if axis == 2 else (n_out, 8)).select(3 - axis, 0)[0]
    expected = (torch.arange(n_out, dtype=torch.float64) + 0.5) * n_in / n_out
    inner = slice(n_out // 4, -n_out // 4)
    # The sampled kernel's first moment is not exactly 0 at every phase: hundredths of an input pixel.
    torch.testing.assert_close(y[inner], expected[inner], rtol=0, atol=0.04)


@pytest.mark.parametrize("scale", [1.6, 2.7, 4.0, (1.3, 3.7), (5.1, 1.0), math.pi])
@pytest.mark.parametrize("shape", [(96, 96), (97, 121)])
def test_down_then_up_shifts_nothing(scale, shape):
    height, width = shape
    cy, cx = height / 2 + 3.3, width / 2 - 5.7
    y = torch.arange(height, dtype=torch.float64)[:, None] + 0.5
    x = torch.arange(width, dtype=torch.float64) + 0.5
    blob = torch.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 8.0**2))[None]
    back = upsample(degrade(blob, scale), shape)[0]
    assert float((back.sum(1) * y[:, 0]).sum() / back.sum()) == pytest.approx(cy, abs=0.02)
    assert float((back.sum(0) * x).sum() / back.sum()) == pytest.approx(cx, abs=0.02)


@settings(deadline=None, max_examples=60)
@given(sides, sides, sides, sides, st.integers(0, 2**32 - 1))
def test_equals_pillows_bicubic(height, width, new_height, new_width, seed):
    x = np.random.default_rng(seed).uniform(-1, 1, (height, width)).astype(np.float32)
    expected = np.asarray(Image.fromarray(x).resize((new_width, new_height), Image.Resampling.BICUBIC))
    y = resize(torch.from_numpy(x)[None], (new_height, new_width))[0].numpy()
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(3, 1), (1, 7), (1, 1), (16, 1)])
def test_one_pixel_wide_outputs_equal_pillows(size):
    x = np.random.default_rng(0).uniform(-1, 1, (5, 4)).astype(np.float32)
    expected = np.asarray(Image.fromarray(x).resize(size[::-1], Image.Resampling.BICUBIC))
    np.testing.assert_allclose(resize(torch.from_numpy(x)[None], size)[0], expected, rtol=0, atol=1e-5)


def test_batch_memory_layout_and_precision_do_not_matter():
    x = torch.rand(3, 2, 17, 13, generator=torch.Generator().manual_seed(0))
    y = resize(x, (29, 40))
    assert torch.equal(y[1], resize(x[1], (29, 40)))
    assert torch.equal(y, resize(x.to(memory_format=torch.channels_last), (29, 40)))
    half = resize(x.half(), (29, 40))
    assert half.dtype == torch.float16
    torch.testing.assert_close(half.float(), y, rtol=0, atol=2e-3)
    torch.testing.assert_close(resize(x.double(), (29, 40)).float(), y, rtol=0, atol=1e-5)


def test_the_same_size_is_a_copy():
    x = torch.rand(1, 5, 5)
    y = resize(x, (5, 5))
    assert torch.equal(x, y)
    y += 1
    assert not torch.equal(x, y)


def test_tiny_images_degrade_to_one_pixel():
    assert degrade(torch.ones(3, 3, 1), 8).shape == (3, 1, 1)
    assert upsample(torch.ones(3, 1, 1), (9, 8)).shape == (3, 9, 8)
    assert effective_scale((1, 1), (9, 8)) == (9.0, 8.0)


@pytest.mark.parametrize(
    "x", [torch.zeros(4, 4), torch.zeros(1, 0, 4), torch.zeros(1, 4, 4, dtype=torch.uint8)]
)
def test_what_is_no_image_is_refused(x):
    with pytest.raises(ImageError):
        resize(x, (8, 8))


def test_upsample_does_not_reduce():
    with pytest.raises(ScaleError, match="below"):
        upsample(torch.zeros(1, 8, 8), (7, 9))
