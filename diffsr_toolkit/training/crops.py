"""Cut the training photographs into sharp tiles, so that blur is improbable under the prior.

A denoiser trained on every crop of every photograph learns that out-of-focus regions are common,
and hands a noised blur back as a smooth photograph. Photographs are therefore reduced before they are
cut, and a tile is kept only when its spectrum goes on to the Nyquist frequency.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

TILE = 96
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_MID_BAND = (0.06, 0.12)
_HIGH_BAND = (0.30, 0.45)


@dataclass(frozen=True)
class TileFilter:
    """Which tiles enter the training set.

    Attributes
    ----------
    min_high_power : float
        Least luminance power spectral density (gray levels squared, of 255) in the high band (0.30 to
        0.45 cycles per pixel); defocused regions and skies stay below it.
    max_exponent : float
        Largest local spectral exponent ``a`` of ``S_f ~ f^-a`` between the mid band (0.06 to 0.12) and the
        high band; a blurred tile of high contrast exceeds it.
    max_flat_contrast : float
        Standard deviation of luminance (0 to 255) up to which a tile without high band counts as flat.
    flat_share : float
        Share of flat tiles kept, in [0, 1]: skies exist, but teach little.
    """

    min_high_power: float = 15.0
    max_exponent: float = 2.8
    max_flat_contrast: float = 8.0
    flat_share: float = 0.03

    def keeps(self, luma: np.ndarray, rng: np.random.Generator) -> bool:
        """Decide on one square luminance tile (0 to 255)."""
        if band_powers(luma)[1] >= self.min_high_power:
            return local_exponent(luma) <= self.max_exponent
        return luma.std() <= self.max_flat_contrast and rng.random() < self.flat_share


def band_powers(luma: np.ndarray) -> tuple[float, float]:
    """Hann-windowed power spectral density of a square luminance tile in the mid and the high band."""
    size = luma.shape[0]
    window = np.hanning(size)[:, None] * np.hanning(size)[None, :]
    power = np.abs(np.fft.rfft2((luma - luma.mean()) * window)) ** 2 / np.square(window).sum()
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    mid = (radius >= _MID_BAND[0]) & (radius < _MID_BAND[1])
    high = (radius >= _HIGH_BAND[0]) & (radius < _HIGH_BAND[1])
    return float(power[mid].mean()), float(power[high].mean())


def local_exponent(luma: np.ndarray) -> float:
    """Spectral exponent of a tile between its two bands; infinite for a tile without high band."""
    mid, high = band_powers(luma)
    ratio = np.sqrt(_HIGH_BAND[0] * _HIGH_BAND[1]) / np.sqrt(_MID_BAND[0] * _MID_BAND[1])
    return float(np.log(max(mid, 1e-12) / max(high, 1e-12)) / np.log(ratio))


def reductions(width: int, height: int) -> list[float]:
    """Factors by which a photograph is reduced: never 1, since compression and optics soften it."""
    factors = [1.5] if width * height < 150_000 else [2.0, 2.8, 4.0]
    if width * height > 1_500_000:
        factors += [5.6]
    return [factor for factor in factors if min(width, height) / factor >= TILE]


def tiles_of(path: Path, keep: TileFilter, rng: np.random.Generator) -> list[np.ndarray]:
    """All kept ``(96, 96, 3)`` uint8 tiles of one photograph."""
    photo = Image.open(path).convert("RGB")
    tiles = []
    for factor in reductions(*photo.size):
        size = (round(photo.width / factor), round(photo.height / factor))
        pixels = np.asarray(photo.resize(size, Image.Resampling.LANCZOS))
        for top in range(0, pixels.shape[0] - TILE + 1, TILE * 2 // 3):
            for left in range(0, pixels.shape[1] - TILE + 1, TILE * 2 // 3):
                tile = pixels[top : top + TILE, left : left + TILE]
                if keep.keeps(tile.astype(np.float32) @ _LUMA, rng):
                    tiles.append(tile.copy())
    return tiles


def build_tiles(
    paths: list[Path], out: Path, keep: TileFilter | None = None, seed: int = 0, most: int = 200
) -> int:
    """Write the tiles of all photographs, shuffled, to ``out`` (uint8 ``(N, 96, 96, 3)`` .npy).

    Parameters
    ----------
    most : int
        Largest number of tiles from one photograph, so that a huge picture does not dominate.
    """
    rng = np.random.default_rng(seed)
    chosen: list[np.ndarray] = []
    for path in paths:
        tiles = tiles_of(path, keep or TileFilter(), rng)
        order = rng.permutation(len(tiles))[:most]
        chosen += [tiles[index] for index in order]
    stacked = np.stack(chosen)[rng.permutation(len(chosen))]
    partial = out.with_suffix(".partial.npy")
    np.save(partial, stacked)
    partial.rename(out)
    return len(stacked)
