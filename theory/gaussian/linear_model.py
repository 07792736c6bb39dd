"""The solvable model without stationarity: any Gaussian image, any linear degradation, plain or LR-consistent.

Where the degradation folds frequencies onto each other, or knows borders, frequencies are no longer independent. All
is still linear and Gaussian, so small matrices do what scalars did: for whole images of a few hundred pixels, or for
each group of frequencies that fold onto one another (`theory.gaussian.alias_groups`). Leading axes of all arrays are
independent blocks.

With back-projection (Irani and Peleg 1991) each estimate D becomes ``M^k D + (1 + M + ... + M^(k-1)) U lr``,
``M = 1 - U A``: linear again, which makes the LR-consistent sampler exactly solvable too.

This is the project's own derivation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import ToolkitError
from theory.gaussian.chain import ancestral_std, drawn, psnr, run_chain

Array = NDArray[np.float64]
Matrix = NDArray[Any]


def _adjoint(matrix: Matrix) -> Matrix:
    return np.conj(np.swapaxes(matrix, -1, -2))


def _diagonal(matrix: Matrix) -> Array:
    return np.asarray(np.real(np.diagonal(matrix, axis1=-2, axis2=-1)), dtype=np.float64)


def _root(matrix: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))[..., None, :]) @ _adjoint(vectors)


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A zero-mean Gaussian image x and how it is degraded and enlarged: ``lr = A x + noise``, ``lr_up = U lr``.

    Attributes
    ----------
    covariance : ndarray of shape (..., m, m)
        Of x, in [-1, 1]; real symmetric or complex Hermitian.
    down : ndarray of shape (..., l, m)
        A, all of the degradation.
    up : ndarray of shape (..., m, l)
        U.
    noise_std : float
        Standard deviation of the noise on lr.
    back_down : ndarray of shape (..., l, m) or None
        What back-projection takes for A; None for A itself. The toolkit's leaves an unknown blur out.
    """

    covariance: Matrix
    down: Matrix
    up: Matrix
    noise_std: float = 0.0
    back_down: Matrix | None = None

    def restore(
        self, sigmas: ArrayLike, eta: float = 0.0, iterations: int = 0, samples: int = 1
    ) -> LinearRestoration:
        """Exact result of the sampler with the ideal denoiser ``D = C (C + sigma^2)^-1``.

        Parameters
        ----------
        sigmas : array_like of shape (n + 1,)
            Noise levels, falling, ending in 0.
        eta : float
            In [0, 1]: 0 is DDIM, 1 is DDPM.
        iterations : int
            Back-projections of each estimate; 0 is the plain sampler.
        samples : int
            Restorations, with antithetic noise, that are averaged.

        Raises
        ------
        TimestepError, ToolkitError
            As `theory.gaussian.run_chain`, and if `iterations` is negative or `samples` below 1.
        """
        if iterations < 0 or samples < 1:
            raise ToolkitError(f"iterations = {iterations} and samples = {samples}; need at least 0 and 1.")
        run_chain(sigmas, 1.0, eta)  # refuses what is no list of steps
        levels = np.asarray(sigmas, dtype=np.float64)
        one = np.eye(self.covariance.shape[-1])
        gain, fresh = one + np.zeros_like(self.covariance), np.zeros_like(self.covariance)
        offset = np.zeros_like(self.up)
        for step, injected, std in self._steps(levels, eta, iterations):
            gain, offset = step @ gain, step @ offset + injected
            fresh = step @ fresh @ _adjoint(step) + std**2 * one
        left = levels[0] * (samples % 2) / samples
        noise = left**2 * gain @ _adjoint(gain) + fresh / samples
        return LinearRestoration(self, gain @ self.up + offset, noise, gain, fresh)

    def follow(
        self,
        sigmas: ArrayLike,
        eta: float,
        iterations: int,
        lr: Matrix,
        state: Matrix,
        noises: Iterable[Matrix],
    ) -> Matrix:
        """The restoration of one given state by given fresh noise: the path of which `restore` gives the moments.

        Parameters
        ----------
        sigmas, eta, iterations
            As for `restore`.
        lr : ndarray of shape (..., n, l)
            n LR images.
        state : ndarray of shape (..., n, m)
            Their injected states.
        noises : iterable of ndarray of shape (..., n, m)
            Unit white noise, one array a step that draws any.

        Returns
        -------
        ndarray of shape (..., n, m)

        Raises
        ------
        TimestepError, ToolkitError
            As `theory.gaussian.follow_chain`.
        """
        run_chain(sigmas, 1.0, eta)  # refuses what is no list of steps
        x, draws = state, iter(noises)
        for step, injected, std in self._steps(np.asarray(sigmas, dtype=np.float64), eta, iterations):
            x = x @ np.swapaxes(step, -1, -2) + lr @ np.swapaxes(injected, -1, -2)
            x = x + (std * drawn(draws) if std > 0 else 0.0)
        return x

    def _steps(self, levels: Array, eta: float, iterations: int) -> Iterator[tuple[Matrix, Matrix, float]]:
        """Of each step x' = P x + R lr + std * noise: P, R and std."""
        one = np.eye(self.covariance.shape[-1])
        values, vectors = np.linalg.eigh(self.covariance)
        values = np.maximum(values, 0)
        back = self.down if self.back_down is None else self.back_down
        remove = one - self.up @ back
        kept: Matrix = one + np.zeros_like(self.covariance)
        taken = np.zeros_like(self.up)
        for _ in range(iterations):
            kept, taken = remove @ kept, remove @ taken + self.up
        for sigma, nxt in pairwise(levels):
            std = float(ancestral_std(sigma, nxt, eta))
            stay = float(np.sqrt(nxt**2 - std**2) / sigma)
            denoise = (vectors * (values / (values + sigma**2))[..., None, :]) @ _adjoint(vectors)
            yield stay * one + (1 - stay) * (kept @ denoise), (1 - stay) * taken, std


@dataclass(frozen=True, eq=False)
class LinearRestoration:
    """The restoration's joint law with the original: ``restored = from_lr lr + noise``.

    Attributes
    ----------
    model : LinearModel
    from_lr : ndarray of shape (..., m, l)
        Mean restoration of an LR image.
    noise : ndarray of shape (..., m, m)
        Covariance around it: injected and fresh noise.
    state_gain, fresh : ndarray of shape (..., m, m)
        What one restoration makes of the injected state z (given lr), and the covariance of its fresh noise.
    """

    model: LinearModel
    from_lr: Matrix
    noise: Matrix
    state_gain: Matrix
    fresh: Matrix

    @property
    def gain(self) -> Matrix:
        """Mean of the restoration as a matrix on the original, ``(..., m, m)``."""
        return self.from_lr @ self.model.down

    @property
    def covariance(self) -> Matrix:
        """Of the restoration, ``(..., m, m)``."""
        whole = self.gain @ self.model.covariance @ _adjoint(self.gain)
        return whole + self._lr_noise + self.noise

    @property
    def _lr_noise(self) -> Matrix:
        return self.model.noise_std**2 * self.from_lr @ _adjoint(self.from_lr)

    @property
    def output_power(self) -> Array:
        """Expected power of each coefficient of the restoration, ``(..., m)``."""
        return _diagonal(self.covariance)

    @property
    def squared_error(self) -> Array:
        """Expected squared error of each coefficient, ``(..., m)``."""
        missed = np.eye(self.gain.shape[-1]) - self.gain
        return _diagonal(missed @ self.model.covariance @ _adjoint(missed) + self._lr_noise + self.noise)

    @property
    def mse(self) -> float:
        """Expected squared error per value."""
        return float(self.squared_error.mean())

    @property
    def psnr(self) -> float:
        """PSNR in dB of the expected squared error."""
        return float(psnr(self.mse))

    @property
    def frechet(self) -> float:
        """Squared Frechet (2-Wasserstein) distance of the whole restoration's law to the original's, per value.

        ``tr(C + C' - 2 (C^1/2 C' C^1/2)^1/2)``: it also sees correlations between coefficients that no original
        has, so it is at least the mean of the coefficients' own distances where the original's are independent.
        """
        root = _root(self.model.covariance)
        values = np.linalg.eigvalsh(root @ self.covariance @ root)
        common = np.sqrt(np.maximum(values, 0)).sum(-1)
        both = _diagonal(self.model.covariance).sum(-1) + self.output_power.sum(-1)
        return float(np.mean(both - 2 * common) / self.gain.shape[-1])
