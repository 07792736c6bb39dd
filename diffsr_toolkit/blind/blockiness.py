"""Whether an image went through a JPEG compression, told from its pixels.

Every 8 x 8 DCT coefficient of a decompressed image lies near a multiple of its table's step. The right table lines
all of them up, a wrong one none; a table of half the steps does as well, so the coarsest good one is taken.

Limits: the block grid must start at the image's corner (no crop, no resize since), and the table must be the
standard one.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.degradation import BLOCK, GREY_LEVELS, dct_basis, quantisation_table
from theory.errors import SpectrumError

Array = NDArray[np.float64]

BEST_QUALITY = 95
"""Finer tables have steps near the rounding to 8 bits; they do no harm worth knowing."""

_WORST_QUALITY = 5
_BLOCKS = 1024
_LEAST_STEP = 3
_LEAST_COUNT, _LEAST_SCORE, _LEAST_Z = 24, 0.4, 6.0
_TIE = 0.9
_ROUNDING = 1.5
"""Grey levels that the decoder's rounding can move a coefficient that was 0."""

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of R, G and B in brightness."""


def estimate_jpeg(lr: ArrayLike) -> int | None:
    """Quality of the JPEG compression that an image went through.

    Parameters
    ----------
    lr : array_like of shape (h, w), (1, h, w) or (3, h, w)
        In [-1, 1]; h and w at least 16.

    Returns
    -------
    int or None
        On libjpeg's scale; None if there is no sign of one between 5 and 95.

    Raises
    ------
    SpectrumError
        If the image has another shape or holds nan or inf.
    """
    coefficients = _grid_coefficients(luma(lr))
    if len(coefficients) < 4:
        return None
    steps = _tables()
    score, count = np.empty(len(steps)), np.empty(len(steps))
    for i, step in enumerate(steps):
        used = (np.abs(coefficients) > np.maximum(step / 4, _ROUNDING)) & (step >= _LEAST_STEP)
        count[i] = used.sum()
        phase = (coefficients / step)[used]
        score[i] = np.cos(2 * np.pi * phase).mean() if count[i] else 0.0
    sure = (count >= _LEAST_COUNT) & (score >= _LEAST_SCORE) & (score * np.sqrt(2 * count) >= _LEAST_Z)
    if not sure.any():
        return None
    score = np.where(sure, score, -1.0)
    good = score >= _TIE * score.max()
    first = int(np.argmax(good))
    last = first + int(np.argmin(np.append(good[first:], False)))
    return _WORST_QUALITY + first + int(np.argmax(score[first:last]))


def luma(image: ArrayLike) -> Array:
    """Brightness of an image as JPEG takes it, of shape (h, w)."""
    x = np.asarray(image, dtype=np.float64)
    if x.ndim == 3 and len(x) == 3:
        x = np.tensordot(LUMA, x, 1)
    elif x.ndim == 3 and len(x) == 1:
        x = x[0]
    if x.ndim != 2:
        raise SpectrumError(f"image has shape {x.shape}; give (h, w), (1, h, w) or (3, h, w).")
    if not np.all(np.isfinite(x)):
        raise SpectrumError("image holds nan or inf; replace them before measuring its degradation.")
    return x


@lru_cache(maxsize=1)
def _tables() -> Array:
    qualities = range(_WORST_QUALITY, BEST_QUALITY + 1)
    return np.stack([quantisation_table(q).ravel() for q in qualities]).astype(np.float64)


def _grid_coefficients(y: Array) -> Array:
    """DCT coefficients of the blocks on the grid, in grey levels, shape (blocks, 64); saturated blocks are left."""
    rows, columns = y.shape[0] // BLOCK, y.shape[1] // BLOCK
    pixels = y[: rows * BLOCK, : columns * BLOCK] * GREY_LEVELS
    blocks = pixels.reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3).reshape(-1, BLOCK, BLOCK)
    blocks = blocks[np.abs(blocks).max(axis=(1, 2)) < GREY_LEVELS - 1]
    if len(blocks) > _BLOCKS:
        blocks = blocks[np.linspace(0, len(blocks) - 1, _BLOCKS).astype(np.int64)]
    basis = dct_basis()
    # The standard shifts by 128 levels, half a level beside the middle of [-1, 1].
    transformed = basis @ (blocks - 0.5) @ basis.T
    return np.asarray(transformed.reshape(len(blocks), BLOCK * BLOCK), dtype=np.float64)
