"""Exact numbers of one-dimensional mixtures, as an oracle for Monte Carlo."""

from __future__ import annotations

import numpy as np

from theory.priors import GaussianMixture


def quadrature(
    law: GaussianMixture, degraded: GaussianMixture, snr: float, points: int = 40001
) -> dict[str, float]:
    """``kl``, ``tv``, ``mmse`` and ``information`` by the trapezoidal rule, 12 deviations beyond every mean."""
    sigma = snr**-0.5
    reach = 12 * np.sqrt(sigma**2 + max(law.covariances.max(), degraded.covariances.max()))
    ends = np.concatenate([law.means, degraded.means])
    x = np.linspace(ends.min() - reach, ends.max() + reach, points)
    log_p, log_q = degraded.log_density(x[:, None], sigma), law.log_density(x[:, None], sigma)
    p, q = np.exp(log_p), np.exp(log_q)
    variance = law.posterior(x[:, None], sigma)[1]
    return {
        "kl": float(np.trapezoid(p * (log_p - log_q), x)),
        "tv": float(0.5 * np.trapezoid(np.abs(p - q), x)),
        "mmse": float(np.trapezoid(q * variance, x)),
        "information": float(-np.trapezoid(q * log_q, x) - 0.5 * np.log(2 * np.pi * np.e * sigma**2)),
    }
