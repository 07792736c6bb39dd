"""The white noise of an image, told from the highest DCT coefficients of its flattest blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffsr_toolkit.blind.blockiness import LUMA, luma
from diffsr_toolkit.blind.measurement import Measurement
from theory.degradation import BLOCK, dct_basis
from theory.errors import SpectrumError

Array = NDArray[np.float64]

MIN_SIDE = 32
"""Smallest side, in pixels, of an image whose degradation is estimated."""

COLOUR_LIMIT, GREY_LIMIT = 0.01, 0.012
"""Noise below these is not told from the texture of photographs or the rounding to 8 bits."""

_FLATTEST = 0.1
"""Share of the blocks that is used."""

_RELATIVE_STD = 0.02
"""What clipping and the rest of the texture leave of an error, as a share of the noise (measured)."""

_BLOCKS = 8000
_ORDER = np.add.outer(np.arange(BLOCK), np.arange(BLOCK))
_LOW = (_ORDER >= 1) & (_ORDER <= 4)
_MIDDLE = (_ORDER >= 5) & (_ORDER <= 7)
_HIGH = (np.minimum.outer(np.arange(BLOCK), np.arange(BLOCK)) >= 4) & (_ORDER >= 9)
_TEXTURE_RATIO = 3.0
"""How much more power the texture of flat blocks has in the middle coefficients than in the high ones."""

_OPPONENT = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]]) / np.sqrt([[3.0], [2.0], [6.0]])


def estimate_noise(lr: ArrayLike, compressed: bool = False) -> Measurement:
    """Standard deviation of white noise, from the highest DCT coefficients of the flattest blocks.

    The blocks are chosen by their low coefficients, which in white noise are independent of the high ones, so the
    choice does not bias them. Of a colour image the colour differences are used, in which photographs have little
    detail: the noise must be independent from channel to channel. Of a grey one the texture left in the flattest
    blocks is extrapolated from their middle coefficients and taken off, which hides noise in an image without any
    flat part.

    Parameters
    ----------
    lr : array_like of shape (h, w), (1, h, w) or (3, h, w)
        In [-1, 1], at least `MIN_SIDE` pixels a side.
    compressed : bool
        Whether the image went through a JPEG compression, which leaves no noise in the colour differences: the
        brightness is taken alone.

    Returns
    -------
    Measurement
        In units of [-1, 1]. A compression takes high coefficients away, and their noise with them.

    Raises
    ------
    SpectrumError
        If the image is too small, of another shape, or holds nan or inf.
    """
    x = _planes(lr)
    colour, gain = len(x) == 3 and not compressed, 1.0
    if colour:
        x = np.tensordot(_OPPONENT, x, 1)
    elif len(x) == 3:
        x, gain = luma(x)[None], float(np.linalg.norm(LUMA))
    flat = _flat_blocks(x, _unclipped(lr))
    used = flat[1:] if colour else flat
    power = float(np.mean(used[:, :, _HIGH] ** 2))
    if not colour:
        middle = float(np.mean(used[:, :, _MIDDLE] ** 2))
        power = max(_TEXTURE_RATIO * power - middle, 0.0) / (_TEXTURE_RATIO - 1)
    limit = (COLOUR_LIMIT if colour else GREY_LIMIT) / gain
    value = power**0.5 / gain
    if value < limit:
        return Measurement(0.0, limit / 2, limit)
    independent = max(_FLATTEST * x[0].size / BLOCK**2, 1.0) * _HIGH.sum() * len(used)
    std = np.linalg.norm([value / np.sqrt(2 * independent), _RELATIVE_STD * value, limit / 4])
    return Measurement(value, float(std), limit)


def _flat_blocks(x: Array, unclipped: NDArray[np.bool_]) -> Array:
    """DCT of the flattest blocks without clipped values, shape (C, n, 8, 8)."""
    step = max(1, int(np.sqrt(x[0].size / _BLOCKS)))

    def windows(a: Array) -> Array:
        view = np.lib.stride_tricks.sliding_window_view(a, (BLOCK, BLOCK), axis=(1, 2))
        return view[:, ::step, ::step].reshape(len(a), -1, BLOCK, BLOCK)

    clear = np.asarray(windows(unclipped[None].astype(np.float64))[0].min(axis=(1, 2)) > 0)
    if clear.mean() < _FLATTEST:
        clear = np.ones_like(clear)
    basis = dct_basis()
    blocks = basis @ windows(x)[:, clear] @ basis.T
    texture = (blocks[:, :, _LOW] ** 2).sum(axis=(0, 2))
    chosen = min(max(8, int(_FLATTEST * len(texture))), len(texture) - 1)
    return np.asarray(blocks[:, np.argpartition(texture, chosen)[:chosen]], dtype=np.float64)


def _unclipped(lr: ArrayLike) -> NDArray[np.bool_]:
    """Pixels that lie inside [-1, 1] in every channel: noise at the ends is cut off."""
    inside = np.abs(np.asarray(lr, dtype=np.float64)) < 1 - 1e-6
    return inside if inside.ndim == 2 else np.asarray(inside.all(axis=0))


def _planes(lr: ArrayLike) -> Array:
    x = np.asarray(lr, dtype=np.float64)
    x = x[None] if x.ndim == 2 else x
    if x.ndim != 3 or len(x) not in (1, 3):
        raise SpectrumError(f"image has shape {np.shape(lr)}; give (h, w), (1, h, w) or (3, h, w).")
    if min(x.shape[1:]) < MIN_SIDE:
        raise SpectrumError(
            f"image is {x.shape[1]} x {x.shape[2]} pixels; its degradation can be told from {MIN_SIDE} x {MIN_SIDE} on."
        )
    if not np.all(np.isfinite(x)):
        raise SpectrumError("image holds nan or inf; replace them before measuring its degradation.")
    return x
