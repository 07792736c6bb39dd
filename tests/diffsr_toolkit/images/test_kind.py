"""Images in memory: every kind survives, what is none is refused, and so is what the memory cannot hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.images import resize, to_tensor
from helpers.images import identity, photo


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "F"])
def test_plain_modes_survive_exactly(mode):
    image = photo(mode)
    x, kind = to_tensor(image)
    assert x.dtype == torch.float32
    assert x.shape == (3 if mode.startswith("RGB") else 1, 30, 40)
    assert -1 <= float(x.min()) < float(x.max()) <= 1
    back = kind.restore(x)
    assert back.mode == mode
    np.testing.assert_allclose(np.asarray(back), np.asarray(image), rtol=0, atol=1e-7 if mode == "F" else 0)


@pytest.mark.parametrize(
    ("mode", "plain"),
    [
        ("1", "L"), ("P", "RGB"), ("PA", "RGBA"), ("RGBX", "RGB"), ("RGBa", "RGBA"), ("La", "LA"),
        ("CMYK", "RGB"), ("YCbCr", "RGB"), ("HSV", "RGB"), ("I", "I;16"), ("I;16B", "I;16"),
    ],
)  # fmt: skip
def test_other_modes_become_the_nearest_plain_one(mode, plain):
    image = photo("LA").convert("La") if mode == "La" else photo(mode) if mode != "PA" else photo("P")
    image = (
        photo("RGBA").convert("RGBa") if mode == "RGBa" else image.convert("PA") if mode == "PA" else image
    )
    assert image.mode == mode
    back = identity(image)
    assert back.mode == plain
    expected = np.asarray(image) if plain == "I;16" else np.asarray(image.convert(plain))
    np.testing.assert_array_equal(np.asarray(back), expected)


def test_a_transparent_palette_or_colour_becomes_alpha():
    palette = photo("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    keyed = photo("L")
    keyed.info["transparency"] = keyed.getpixel((0, 0))
    for image, mode in ((palette, "RGBA"), (keyed, "LA")):
        back = identity(image)
        assert back.mode == mode
        assert back.getchannel("A").getpixel((0, 0)) == 0
        assert np.asarray(back.getchannel("A")).max() == 255


def test_alpha_is_resampled_apart_and_the_colour_is_not_premultiplied():
    image = photo("RGBA")
    x, kind = to_tensor(image)
    colour, _ = to_tensor(photo("RGB"))
    assert torch.equal(x, colour)
    back = kind.restore(resize(x, (75, 108)))
    assert back.size == (108, 75)
    alpha = torch.from_numpy(np.array(image.getchannel("A"))).double()[None] / 255
    expected = (resize(alpha, (75, 108)).clamp(0, 1) * 255).round()[0]
    np.testing.assert_array_equal(np.asarray(back.getchannel("A")), expected)


def test_restore_clips():
    _, kind = to_tensor(photo("L"))
    assert identity_range(kind.restore(torch.full((1, 2, 3), 7.0))) == (255, 255)
    assert identity_range(kind.restore(torch.full((1, 2, 3), -7.0))) == (0, 0)


def identity_range(image: Image.Image) -> tuple[int, int]:
    return int(np.asarray(image).min()), int(np.asarray(image).max())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2", np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
def test_arrays_survive(dtype, shape):
    unit = np.random.default_rng(0).uniform(0, 1, shape)
    kind_of = np.dtype(dtype)
    array = (unit * np.iinfo(kind_of).max).astype(dtype) if kind_of.kind == "u" else unit.astype(dtype)
    before = array.copy()
    back = identity(array[::-1])[::-1]
    assert back.dtype == array.dtype
    assert back.shape == shape
    np.testing.assert_allclose(back, array, rtol=0, atol=0 if kind_of.kind == "u" else 2e-7)
    np.testing.assert_array_equal(array, before)
    x, kind = to_tensor(array)
    assert kind.restore(resize(x, (9, 8))).shape == (9, 8, *shape[2:])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(3, 5, 7), (1, 3, 5, 7), (1, 5, 7), (4, 5, 7)])
def test_tensors_survive(dtype, shape):
    tensor = (torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1).to(dtype)
    x, kind = to_tensor(tensor)
    assert x.shape == shape[-3:]
    back = kind.restore(x)
    assert back.dtype == dtype
    assert back.shape == shape
    torch.testing.assert_close(back, tensor, rtol=0, atol=1e-7)
    x += 1
    torch.testing.assert_close(back, tensor, rtol=0, atol=1e-7)


def test_a_tensor_may_overshoot_as_resampling_does():
    edge = torch.ones(1, 16, 16)
    edge[..., 8:] = -1
    overshot = resize(edge, (40, 40))
    assert float(overshot.abs().max()) > 1.05
    x, kind = to_tensor(overshot)
    assert torch.equal(x, overshot)
    assert float(kind.restore(x).abs().max()) == 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 4)), np.zeros(4), np.zeros((1, 2, 3, 3)), np.zeros((3, 8, 8)), np.zeros((4, 4), int),
        np.zeros((4, 4), bool), np.full((4, 4), np.nan), np.full((4, 4), np.inf), np.full((4, 4), 1.01),
        np.full((4, 4), -0.01), np.zeros((4, 4), np.complex64), torch.zeros(4, 4), torch.zeros(2, 3, 4, 4),
        torch.zeros(3, 0, 4), torch.zeros(8, 8, 3), torch.zeros(3, 4, 4, dtype=torch.uint8),
        torch.full((3, 4, 4), math.nan), torch.full((3, 4, 4), math.inf), torch.full((3, 4, 4), 2.0),
        Image.new("RGB", (0, 5)), Image.fromarray(np.full((4, 4), 300.0, np.float32)),
        Image.fromarray(np.full((4, 4), 70000, np.int32)), Image.fromarray(np.full((4, 4), -1, np.int32)),
        "picture.png", None,
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ImageError):
        to_tensor(image)


@pytest.mark.parametrize("x", [torch.zeros(1, 4, 4), torch.zeros(3, 4), torch.full((3, 4, 4), math.nan)])
def test_restore_refuses_what_does_not_fit(x):
    _, kind = to_tensor(photo("RGB"))
    with pytest.raises(ImageError):
        kind.restore(x)
