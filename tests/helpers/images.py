"""What the tests of images share: a photograph of any mode, and the way there and back."""

from __future__ import annotations

import numpy as np
from PIL import Image
from skimage import data

from diffsr_toolkit.images import to_tensor


def photo(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    colour = Image.fromarray(data.chelsea()).crop((100, 60, 100 + size[0], 60 + size[1]))
    if mode in ("I;16", "I;16B", "I"):
        values = np.asarray(colour.convert("L")).astype(np.uint16) * 257 - 3
        if mode == "I":
            return Image.fromarray(values.astype(np.int32))
        return Image.frombytes(mode, size, values.astype("<u2" if mode == "I;16" else ">u2").tobytes())
    if mode == "F":
        return Image.fromarray(np.asarray(colour.convert("L")).astype(np.float32) / 255)
    if mode in ("LA", "RGBA"):
        ramp = np.linspace(0, 255, size[0] * size[1]).reshape(size[::-1]).astype(np.uint8)
        with_alpha = colour.convert(mode)
        with_alpha.putalpha(Image.fromarray(ramp))
        return with_alpha
    return colour.convert(mode)


def identity(image):
    x, kind = to_tensor(image)
    return kind.restore(x)


def walk(height: int, width: int) -> np.ndarray:
    """A picture with detail at every size, ``(H, W, 3)`` float32 in [0, 1]: a random walk along both axes."""
    noise = np.random.default_rng(height).normal(size=(height, width, 3)).cumsum(0).cumsum(1)
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)
