"""True aliasing, exactly: the groups of frequencies that resampling a periodic image folds onto one another.

Resampling H pixels to h commutes with shifts by ``H / g`` pixels, ``g = gcd(H, h)``, so HR frequency k meets only
those that differ from it by multiples of g: ``H / g`` HR frequencies share ``h / g`` LR ones. At a whole scale s that
is s frequencies on one. Both axes together multiply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.degradation import cubic_weights
from theory.errors import ScaleError, SpectrumError
from theory.gaussian.linear_model import LinearModel

Array = NDArray[np.float64]


def circular_weights(n_in: int, n_out: int) -> Array:
    """`cubic_weights` for a periodic signal: the border wraps around, no weight is renormalised.

    Raises
    ------
    ScaleError
        If the kernel is longer than the signal, or a length is below 1.
    """
    if 4 * max(n_in / max(n_out, 1), 1.0) > n_in:
        raise ScaleError(
            f"Resampling {n_in} to {n_out} periodic pixels: the kernel outgrows the signal; take at least 4 of each."
        )
    middle = cubic_weights(3 * n_in, 3 * n_out)[n_out : 2 * n_out]
    return np.asarray(middle.reshape(n_out, 3, n_in).sum(axis=1))


@dataclass(frozen=True)
class AliasGroups:
    """Which HR and LR frequencies a resampling couples.

    Attributes
    ----------
    shape, lr_shape : (int, int)
        (H, W) and (h, w) in pixels.
    """

    shape: tuple[int, int]
    lr_shape: tuple[int, int]

    def __post_init__(self) -> None:
        if not all(1 <= low <= high for low, high in zip(self.lr_shape, self.shape, strict=True)):
            raise ScaleError(
                f"shape = {self.shape} and lr_shape = {self.lr_shape}; each LR side must be from 1 to the HR side."
            )

    @property
    def counts(self) -> tuple[int, int]:
        """Number of groups along each axis."""
        return gcd(self.shape[0], self.lr_shape[0]), gcd(self.shape[1], self.lr_shape[1])

    def gather(self, grid: NDArray[Any]) -> NDArray[Any]:
        """An array over HR frequencies ``(..., H, W)`` by groups, ``(..., g_y, g_x, m)``."""
        (gy, gx), (height, width) = self.counts, self.shape
        split = grid.reshape(*grid.shape[:-2], height // gy, gy, width // gx, gx)
        return np.moveaxis(split, (-3, -1), (-4, -3)).reshape(*grid.shape[:-2], gy, gx, -1)

    def scatter(self, groups: NDArray[Any]) -> NDArray[Any]:
        """The inverse of `gather`."""
        (gy, gx), (height, width) = self.counts, self.shape
        split = groups.reshape(*groups.shape[:-3], gy, gx, height // gy, width // gx)
        return np.moveaxis(split, (-4, -3), (-3, -1)).reshape(*groups.shape[:-3], height, width)

    def operator(self, matrices: Sequence[Array]) -> NDArray[np.complex128]:
        """A separable resampling as matrices on the groups' unitary Fourier coefficients.

        Parameters
        ----------
        matrices : (ndarray, ndarray)
            Along height and width, each ``(n_out, n_in)`` and shift-equivariant, as `circular_weights` are.

        Returns
        -------
        ndarray of shape (g_y, g_x, m_out, m_in)
        """
        along_y, along_x = (_blocks(m, g) for m, g in zip(matrices, self.counts, strict=True))
        product = np.einsum("yab,xcd->yxacbd", along_y, along_x)
        rows, columns = (along_y.shape[i] * along_x.shape[i] for i in (1, 2))
        return product.reshape(*self.counts, rows, columns)


def _blocks(matrix: Array, groups: int) -> NDArray[np.complex128]:
    """One axis: ``(g, n_out / g, n_in / g)``, entry (r, i, j) maps input frequency r + g j to output r + g i."""
    n_out, n_in = matrix.shape
    spectral = np.fft.fft(np.fft.ifft(matrix, axis=1, norm="ortho"), axis=0, norm="ortho")
    split = spectral.reshape(n_out // groups, groups, n_in // groups, groups)
    return np.stack([split[:, r, :, r] for r in range(groups)])


def alias_model(
    psd: Array, lr_shape: tuple[int, int], blur: Array | None = None, noise_std: float = 0.0
) -> tuple[LinearModel, AliasGroups]:
    """A periodic Gaussian image, bicubically reduced and enlarged with all that folds.

    Parameters
    ----------
    psd : ndarray of shape (H, W)
        S_f in ``numpy.fft.fft2``'s order, images in [-1, 1].
    lr_shape : (int, int)
        (h, w); H / h need not be whole.
    blur : ndarray of shape (H, W), optional
        Transfer function of a blur before the reduction, which back-projection does not know.
    noise_std : float
        Standard deviation of white noise on the LR image.

    Returns
    -------
    LinearModel
        With leading axes (g_y, g_x).
    AliasGroups
        Its `scatter` lays results out over the frequencies.

    Raises
    ------
    SpectrumError
        If `psd` is not a 2-D array of finite powers.
    ScaleError
        If the sizes do not fit, or are too small for the kernel.
    """
    psd = np.asarray(psd, dtype=np.float64)
    if psd.ndim != 2 or not np.all((psd >= 0) & np.isfinite(psd)):
        raise SpectrumError(
            f"psd has shape {psd.shape}; give a 2-D array of finite powers of at least 0, (H, W)."
        )
    groups = AliasGroups((psd.shape[0], psd.shape[1]), lr_shape)
    pairs = list(zip(psd.shape, lr_shape, strict=True))
    down = groups.operator([circular_weights(high, low) for high, low in pairs])
    up = groups.operator([circular_weights(low, high) for high, low in pairs])
    power = groups.gather(psd)
    covariance = power[..., None] * np.eye(power.shape[-1])
    degrade = down if blur is None else down * groups.gather(np.asarray(blur))[..., None, :]
    return LinearModel(covariance.astype(complex), degrade, up, noise_std, down), groups
