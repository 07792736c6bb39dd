"""Gaussian mixtures: the ideal denoiser in closed form, everything else by Monte Carlo with its standard error.

The simplest law that is not Gaussian yet exactly solvable: given the component all is linear, and the component's
posterior probability is known. Notation as in `theory.bounds`; states are ``x + sigma * noise``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.bounds import UncertainValue, divergence_terms, information_bound, mean_of
from theory.errors import SpectrumError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """``sum_k w_k N(m_k, C_k)`` in d dimensions.

    Attributes
    ----------
    weights : ndarray of shape (K,)
        Positive; normalised to sum 1.
    means : ndarray of shape (K, d)
    covariances : ndarray of shape (K, d, d)
        Positive semi-definite: 0 makes a component a point.

    Raises
    ------
    SpectrumError
        If shapes do not fit, or weights or covariances are not what they must be.
    """

    weights: Array
    means: Array
    covariances: Array

    def __post_init__(self) -> None:
        w = np.asarray(self.weights, dtype=np.float64)
        m, c = np.asarray(self.means, dtype=np.float64), np.asarray(self.covariances, dtype=np.float64)
        if m.ndim != 2 or w.shape != m.shape[:1] or c.shape != (*m.shape, m.shape[-1]):
            raise SpectrumError(
                f"weights {w.shape}, means {m.shape}, covariances {c.shape}: need (K,), (K, d), (K, d, d)."
            )
        if not (
            np.all(w > 0) and np.all(np.isfinite(w)) and np.all(np.isfinite(m)) and np.all(np.isfinite(c))
        ):
            raise SpectrumError("weights must be positive, and all numbers finite.")
        if np.any(np.linalg.eigvalsh(c) < -1e-9 * max(1.0, float(np.abs(c).max()))):
            raise SpectrumError("a covariance has a negative eigenvalue.")
        object.__setattr__(self, "weights", w / w.sum())
        object.__setattr__(self, "means", m)
        object.__setattr__(self, "covariances", c)

    @property
    def dimension(self) -> int:
        """Values per sample, d."""
        return self.means.shape[1]

    def mean(self) -> Array:
        """Mean of the law, of shape (d,)."""
        return self.weights @ self.means

    def covariance(self) -> Array:
        """Covariance of the law, of shape (d, d)."""
        off = self.means - self.mean()
        return np.einsum("k,kij->ij", self.weights, self.covariances + off[:, :, None] * off[:, None, :])

    def transformed(self, operator: ArrayLike) -> GaussianMixture:
        """Law of ``P x``, a mixture again; `operator` is P, of shape (d, d)."""
        p = np.asarray(operator, dtype=np.float64)
        return GaussianMixture(self.weights, self.means @ p.T, p @ self.covariances @ p.T)

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Independent samples, of shape (count, d)."""
        component = rng.choice(len(self.weights), size=count, p=self.weights)
        normal = rng.standard_normal((count, self.dimension))
        return self.means[component] + _apply(_root(self.covariances), component, normal)

    def log_density(self, x: ArrayLike, sigma: float) -> Array:
        """Log density of ``x + sigma * noise`` at points of shape (n, d)."""
        return np.logaddexp.reduce(self._log_joint(np.asarray(x, dtype=np.float64), sigma), axis=1)

    def responsibilities(self, x: ArrayLike, sigma: float) -> Array:
        """Posterior probability of each component given states of shape (n, d); shape (n, K)."""
        joint = self._log_joint(np.asarray(x, dtype=np.float64), sigma)
        return np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))

    def denoise(self, x: ArrayLike, sigma: float) -> Array:
        """Ideal denoiser ``D(x, sigma) = E[x0 | x0 + sigma noise = x]`` at states (n, d)."""
        return self.posterior(x, sigma)[0]

    def posterior(self, y: ArrayLike, sigma: float, operator: ArrayLike | None = None) -> tuple[Array, Array]:
        """Mean and total variance of x0 given ``y = P x0 + sigma noise``.

        Parameters
        ----------
        y : array_like of shape (n, d)
        sigma : float
        operator : array_like of shape (d, d), optional
            P; the identity by default.

        Returns
        -------
        mean : ndarray of shape (n, d)
        variance : ndarray of shape (n,)
            Trace of the posterior covariance: the squared error to expect.
        """
        y = np.asarray(y, dtype=np.float64)
        share, means, within = self._conditional(y, sigma, operator)
        centre = np.einsum("nk,nkd->nd", share, means)
        spread = np.sum((means - centre[:, None]) ** 2, axis=-1) + np.trace(within, axis1=1, axis2=2)
        return centre, np.sum(share * spread, axis=1)

    def sample_posterior(self, y: ArrayLike, sigma: float, rng: np.random.Generator) -> Array:
        """One sample of x0 given each state ``x0 + sigma noise``, of the shape (n, d) of `y`."""
        y = np.asarray(y, dtype=np.float64)
        share, means, within = self._conditional(y, sigma, None)
        component = np.argmax(np.log(share + 1e-300) + rng.gumbel(size=share.shape), axis=1)
        normal = rng.standard_normal(y.shape)
        return means[np.arange(len(y)), component] + _apply(_root(within), component, normal)

    def mmse(
        self, snr: float, operator: ArrayLike | None = None, samples: int = 4000, seed: int = 0
    ) -> UncertainValue:
        """``E ||x - E[x | P x + sigma noise]||^2``, summed over the d values (P the identity by default).

        Monte Carlo over states of the exact posterior variance.
        """
        sigma, law = snr**-0.5, self if operator is None else self.transformed(operator)
        return mean_of(self.posterior(law._states(sigma, samples, seed), sigma, operator)[1])

    def kl(self, degraded: GaussianMixture, snr: float, samples: int = 4000, seed: int = 0) -> UncertainValue:
        """``KL(law(z_t) || law(x_t))`` in nats: `degraded` is the law of x~, this one that of x."""
        sigma = snr**-0.5
        z = degraded._states(sigma, samples, seed)
        log_ratio = self.log_density(z, sigma) - degraded.log_density(z, sigma)
        return mean_of(divergence_terms(log_ratio, small=bool(np.mean(np.abs(log_ratio)) < 0.5)))

    def tv(self, degraded: GaussianMixture, snr: float, samples: int = 4000, seed: int = 0) -> UncertainValue:
        """Total variation of law(z_t) and law(x_t), in [0, 1]; arguments as in `kl`."""
        sigma = snr**-0.5
        z = degraded._states(sigma, samples, seed)
        log_ratio = self.log_density(z, sigma) - degraded.log_density(z, sigma)
        return mean_of(-np.expm1(np.minimum(log_ratio, 0.0)))

    def information(self, snr: float, samples: int = 4000, seed: int = 0) -> UncertainValue:
        """``I(x; x_t)`` in nats: what a Gaussian of this covariance tells, less the state's KL from that Gaussian."""
        matched = GaussianMixture(np.ones(1), self.mean()[None], self.covariance()[None])
        gap = matched.kl(self, snr, samples, seed)
        linear = information_bound(snr, np.maximum(np.linalg.eigvalsh(matched.covariances[0]), 0.0))
        return UncertainValue(float(linear) - gap.value, gap.std_error)

    def _states(self, sigma: float, samples: int, seed: int) -> Array:
        rng = np.random.default_rng(seed)
        return self.sample(samples, rng) + sigma * rng.standard_normal((samples, self.dimension))

    def _log_joint(self, y: Array, sigma: float) -> Array:
        """Log of weight times density of each component under noise, of shape (n, K)."""
        joint = np.empty((len(y), len(self.weights)))
        for k, (weight, mean, cov) in enumerate(zip(self.weights, self.means, self.covariances, strict=True)):
            power, modes = np.linalg.eigh(cov)
            power = np.maximum(power, 0.0) + sigma**2
            square = np.sum(((y - mean) @ modes) ** 2 / power, axis=1)
            joint[:, k] = np.log(weight) - 0.5 * (square + np.sum(np.log(2 * np.pi * power)))
        return joint

    def _conditional(self, y: Array, sigma: float, operator: ArrayLike | None) -> tuple[Array, Array, Array]:
        """Component probabilities (n, K), means (n, K, d) and covariances (K, d, d) of x given the state."""
        eye = np.eye(self.dimension)
        p = eye if operator is None else np.asarray(operator, dtype=np.float64)
        law = self if operator is None else self.transformed(p)
        share = law.responsibilities(y, sigma)
        gain = self.covariances @ p.T @ np.linalg.inv(law.covariances + sigma**2 * eye)
        means = self.means + np.einsum("kij,nkj->nki", gain, y[:, None] - law.means)
        keep = eye - gain @ p
        # Joseph's form stays positive where the noise is small.
        within = keep @ self.covariances @ keep.transpose(0, 2, 1) + sigma**2 * gain @ gain.transpose(0, 2, 1)
        return share, means, within


def _root(covariances: Array) -> Array:
    """Symmetric roots: unlike the eigenvectors of equal eigenvalues they are the same on every machine."""
    power, modes = np.linalg.eigh(covariances)
    scaled = modes * np.sqrt(np.maximum(power, 0.0))[:, None, :]
    return np.asarray(scaled @ np.swapaxes(modes, 1, 2), dtype=np.float64)


def _apply(roots: Array, component: NDArray[np.int64], normal: Array) -> Array:
    """``roots[component[i]] @ normal[i]`` without a matrix per sample."""
    result = np.empty_like(normal)
    for k, root in enumerate(roots):
        chosen = component == k
        result[chosen] = normal[chosen] @ root.T
    return result
