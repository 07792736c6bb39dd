"""A discrete prior over real patches: photographs' own statistics with an exact posterior.

Each of n patches is equally likely, so under noise both the patches and their degraded versions are mixtures of n
Gaussians of one variance, and the ideal denoiser is a softmax-weighted mean of patches. Expectations over the noise
are Monte Carlo: stratified over the patches, antithetic, and with common random numbers, so that curves over the SNR
or the scale are smooth. Notation as in `theory.bounds`; states are ``x + sigma * noise``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.bounds import UncertainValue, divergence_terms, information_bound, kl_bound, mean_of
from theory.errors import SpectrumError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PatchPrior:
    """Uniform law on n patches.

    Attributes
    ----------
    patches : ndarray of shape (n, d)
        Flattened, values in [-1, 1]; n at least 2. Equal patches count as often as they occur.

    Raises
    ------
    SpectrumError
        If the array is not of that form or holds nan or inf.
    """

    patches: Array

    def __post_init__(self) -> None:
        patches = np.asarray(self.patches, dtype=np.float64)
        if patches.ndim != 2 or len(patches) < 2 or not np.all(np.isfinite(patches)):
            raise SpectrumError(f"patches {patches.shape} must be (n, d), n at least 2, without nan and inf.")
        object.__setattr__(self, "patches", patches)

    @property
    def entropy(self) -> float:
        """``log n``: no state tells more nats of which patch it was."""
        return float(np.log(len(self.patches)))

    def log_weights(self, x: ArrayLike, sigma: float) -> Array:
        """Log posterior probability of each patch given states (m, d); shape (m, n)."""
        kernel = _log_kernel(np.asarray(x, dtype=np.float64), self.patches, sigma)
        return kernel - _logsumexp(kernel)[:, None]

    def weights(self, x: ArrayLike, sigma: float) -> Array:
        """``softmax(-||x - p_i||^2 / (2 sigma^2))`` over the patches, for states (m, d); shape (m, n)."""
        return np.exp(self.log_weights(x, sigma))

    def log_density(self, x: ArrayLike, sigma: float) -> Array:
        """Log density of ``x0 + sigma * noise`` at states (m, d)."""
        kernel = _log_kernel(np.asarray(x, dtype=np.float64), self.patches, sigma)
        d = self.patches.shape[1]
        return _logsumexp(kernel) - self.entropy - 0.5 * d * np.log(2 * np.pi * sigma**2)

    def denoise(self, x: ArrayLike, sigma: float) -> Array:
        """Ideal denoiser ``D(x, sigma) = E[x0 | x0 + sigma noise = x]`` at states (m, d)."""
        return self.weights(x, sigma) @ self.patches

    def sample_posterior(self, x: ArrayLike, sigma: float, rng: np.random.Generator) -> NDArray[np.int64]:
        """Index of one patch drawn from the posterior of each state (m, d)."""
        cumulative = np.cumsum(self.weights(x, sigma), axis=1)
        level = rng.uniform(size=(len(cumulative), 1)) * cumulative[:, -1:]
        return np.sum(cumulative < level, axis=1)

    def nearest(self, x: ArrayLike) -> NDArray[np.int64]:
        """Index of the patch nearest to each point (m, d)."""
        return np.argmax(_log_kernel(np.asarray(x, dtype=np.float64), self.patches, 1.0), axis=1)

    def mmse(
        self, snr: float, degraded: PatchPrior | None = None, draws: int = 2, seed: int = 0
    ) -> UncertainValue:
        """``E ||x - E[x | state]||^2``, summed over the d values.

        Parameters
        ----------
        snr : float
        degraded : PatchPrior, optional
            The patches' degraded versions, in the same order: then the state is z_t instead of x_t.
        draws : int
            Antithetic pairs of states per patch, at least 2 for a tight standard error.
        seed : int
            Of the noise, common to all SNRs.

        Returns
        -------
        UncertainValue
        """
        seen, sigma = self._matching(degraded), snr**-0.5
        # Errors from the true patch, not from the origin: exact where the posterior has made up its mind.
        apart = -2 * _log_kernel(self.patches, self.patches, 1.0)
        np.fill_diagonal(apart, 0.0)

        def variance(state: Array) -> Array:
            weight = seen.weights(state, sigma)
            off = weight @ self.patches - weight.sum(axis=1, keepdims=True) * self.patches
            return np.maximum(np.sum(weight * apart, axis=1) - np.sum(off**2, axis=1), 0.0)

        return seen._expectation(variance, sigma, draws, seed)

    def information(self, snr: float, draws: int = 2, seed: int = 0) -> UncertainValue:
        """``I(x; x_t)`` nats; of a degraded prior, ``I(x~; z_t)``.

        ``log n - E[posterior entropy]``; under heavy noise what a Gaussian of this covariance tells, less the
        state's KL from that Gaussian, which scatters far less. Arguments as in `mmse`.
        """
        sigma, d = snr**-0.5, self.patches.shape[1]
        mean = self.patches.mean(axis=0)
        power, modes = np.linalg.eigh(np.cov(self.patches.T, bias=True).reshape(d, d))
        power = np.maximum(power, 0.0)
        linear = float(information_bound(snr, power))
        if linear < 0.5 * self.entropy:

            def gap(state: Array) -> Array:
                square = np.sum(((state - mean) @ modes) ** 2 / (power + sigma**2), axis=1)
                matched = -0.5 * (square + np.sum(np.log(2 * np.pi * (power + sigma**2))))
                return divergence_terms(matched - self.log_density(state, sigma), small=True)

            excess = self._expectation(gap, sigma, draws, seed)
            return UncertainValue(linear - excess.value, excess.std_error)

        def told(state: Array) -> Array:
            log_weight = self.log_weights(state, sigma)
            return self.entropy + np.sum(np.exp(log_weight) * log_weight, axis=1)

        return self._expectation(told, sigma, draws, seed)

    def kl(self, degraded: PatchPrior, snr: float, draws: int = 2, seed: int = 0) -> UncertainValue:
        """``KL(law(z_t) || law(x_t))`` in nats; arguments as in `mmse`."""
        sigma, seen = snr**-0.5, self._matching(degraded)
        energy = np.mean(np.sum((self.patches - seen.patches) ** 2, axis=1))
        small = bool(kl_bound(snr, energy) < 1)

        def terms(z: Array) -> Array:
            return divergence_terms(self.log_density(z, sigma) - seen.log_density(z, sigma), small)

        return seen._expectation(terms, sigma, draws, seed)

    def tv(self, degraded: PatchPrior, snr: float, draws: int = 2, seed: int = 0) -> UncertainValue:
        """Total variation of law(z_t) and law(x_t), in [0, 1]; arguments as in `mmse`."""
        sigma, seen = snr**-0.5, self._matching(degraded)

        def excess(z: Array) -> Array:
            log_ratio = self.log_density(z, sigma) - seen.log_density(z, sigma)
            return -np.expm1(np.minimum(log_ratio, 0.0))

        return seen._expectation(excess, sigma, draws, seed)

    def _matching(self, degraded: PatchPrior | None) -> PatchPrior:
        if degraded is None:
            return self
        if degraded.patches.shape != self.patches.shape:
            raise SpectrumError(
                f"degraded patches {degraded.patches.shape} must match the patches {self.patches.shape}."
            )
        return degraded

    def _expectation(
        self, value: Callable[[Array], Array], sigma: float, draws: int, seed: int
    ) -> UncertainValue:
        """Mean of ``value(states) -> (n,)`` over patches and noise, states in the order of the patches."""
        rng = np.random.default_rng(seed)
        pairs = []
        for _ in range(draws):
            step = sigma * rng.standard_normal(self.patches.shape)
            pairs.append(0.5 * (value(self.patches + step) + value(self.patches - step)))
        return mean_of(np.array(pairs))


def _log_kernel(x: Array, centres: Array, sigma: float) -> Array:
    """``-||x_i - c_j||^2 / (2 sigma^2)``, of shape (m, n)."""
    square = np.sum(x**2, axis=1)[:, None] - 2 * x @ centres.T + np.sum(centres**2, axis=1)
    return np.asarray(square / (-2 * sigma**2), dtype=np.float64)


def _logsumexp(values: Array) -> Array:
    top = values.max(axis=1)
    return np.asarray(top + np.log(np.sum(np.exp(values - top[:, None]), axis=1)), dtype=np.float64)
