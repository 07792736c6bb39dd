"""How loose the bounds are: each one divided by the truth, where the truth is known.

Three laws are solvable: a Gaussian image, a Gaussian mixture, and a discrete prior over patches. `slack_table` sets
every bound of `theory.bounds.mismatch` beside the truth for each of them, over scales and SNRs.

Measured (linear 1000-step schedule, t from 5 to 800, scales 1.6 to 4; `diffsr_toolkit.experiments.slack`): the KL
bound is loosest under *much* noise, where it falls with the SNR while the KL of laws with about the same mean falls
with its square: 280 (patches) to 1e5 times the truth at t = 800. With less noise the discrete prior comes close, 1.1
(scale 1.6) to 2.7 (scale 4) times at t = 5: there the truth is the distance to the *nearest* patch where the bound
has that to the own one. A Gaussian stays 6 to 11 times below, since its KL grows only with the logarithm of the SNR.
Total variation by coupling is within 2 up to t = 150 for patches, and below the way over KL everywhere; W2's bound
ignores that noise smooths, so at t = 800 it is 100 to 500 times what must be. The linear mmse and information bounds
are exact for Gaussians, at most 1.33 times the truth for the mixture, and tight for patches from t = 500 on; below t
= 60 patches are known almost surely, while the covariance still fears 13 (t = 60) to 1900 (t = 20) times that error.
SDEdit's bound ranks last, 750 to 17000 times the truth at t = 150, and at t = 5 lies *below* it for the Gaussian and
the patches (`theory.bounds.sdedit_bound` says why). All C here bound the mean squared score of noised originals, not
its supremum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from theory.bounds import SIGMA_END, Mismatch, UncertainValue, gaussian_kl, gaussian_tv, gaussian_w2, tv_bound
from theory.gaussian import posterior_limit
from theory.priors.mixture import GaussianMixture
from theory.priors.patch_prior import PatchPrior
from theory.schedules import NoiseSchedule

Array = NDArray[np.float64]

DELTA = 0.05
"""The edit bounds are compared with the quantile 1 - DELTA of the squared distance of guide and edit."""

RESOLVED = 3.0
"""A truth below this many standard errors gives no ratio."""


class Oracle(Protocol):
    """A law and its degradation, for which every bounded quantity is known."""

    @property
    def mismatch(self) -> Mismatch:
        """What the bounds are told."""

    @property
    def score_bound(self) -> float:
        """C of the edit bounds: an upper bound of the mean squared score at every noise level above `SIGMA_END`."""

    def truths(self, snr: float) -> dict[str, UncertainValue]:
        """Exact values or Monte-Carlo estimates by the name of their bound; a missing one is not known."""


@dataclass(frozen=True, eq=False)
class GaussianOracle:
    """Gaussian image with independent modes: closed forms, but for the total variation and the edit's quantile.

    Attributes
    ----------
    mismatch : Mismatch
        Of ``Mismatch.from_spectrum``.
    samples, seed : int
        Of the two estimates.
    """

    mismatch: Mismatch
    samples: int = 4000
    seed: int = 0

    @property
    def score_bound(self) -> float:
        """``sum 1 / (S + SIGMA_END^2)``, the mean squared score at the end, where it is largest."""
        return float(np.sum(1 / (self.mismatch.psd + SIGMA_END**2)))

    def truths(self, snr: float) -> dict[str, UncertainValue]:
        """As `Oracle.truths`."""
        m, noise = self.mismatch, 1 / snr
        exact = m.bounds(snr)
        chain, rng = posterior_limit(snr**-0.5, m.psd), np.random.default_rng(self.seed)
        guide, up, down = rng.standard_normal((3, self.samples, m.psd.size))
        moved = (chain.gain - 1) * np.sqrt(m.degraded) * guide + chain.gain * np.sqrt(noise) * up
        moved += np.sqrt(chain.variance) * down
        edit = _quantile(np.sum(moved**2, axis=1))
        return {
            "kl": UncertainValue(float(gaussian_kl(snr, 0.0, m.psd, m.degraded))),
            "tv": gaussian_tv(m.degraded + noise, m.psd + noise, self.samples, self.seed),
            "w2": UncertainValue(gaussian_w2(m.degraded + noise, m.psd + noise)),
            "mmse": UncertainValue(float(exact.mmse)),
            "restoration_mmse": UncertainValue(float(exact.restoration_mmse)),
            "information": UncertainValue(float(exact.information)),
            "sdedit": edit,
            "edit": edit,
        }


@dataclass(frozen=True, eq=False)
class MixtureOracle:
    """Gaussian mixture and a linear degradation.

    Attributes
    ----------
    mixture : GaussianMixture
    operator : ndarray of shape (d, d)
        P, of ``x~ = P x``.
    samples, seed : int
    """

    mixture: GaussianMixture
    operator: Array
    samples: int = 4000
    seed: int = 0

    @property
    def mismatch(self) -> Mismatch:
        """Mean and covariance, all that the bounds are told."""
        law = self.mixture
        return Mismatch.from_operator(self.operator, covariance=law.covariance(), mean=law.mean())

    @property
    def score_bound(self) -> float:
        """Fisher information is convex: at most the components' mean one, largest at `SIGMA_END`."""
        power = np.maximum(np.linalg.eigvalsh(self.mixture.covariances), 0.0)
        return float(self.mixture.weights @ np.sum(1 / (power + SIGMA_END**2), axis=1))

    def truths(self, snr: float) -> dict[str, UncertainValue]:
        """As `Oracle.truths`; W2 of mixtures is not known."""
        law, degraded = self.mixture, self.mixture.transformed(self.operator)
        count, seed = self.samples, self.seed
        rng, sigma = np.random.default_rng(self.seed), snr**-0.5
        guide = degraded.sample(self.samples, rng)
        edited = law.sample_posterior(guide + sigma * rng.standard_normal(guide.shape), sigma, rng)
        edit = _quantile(np.sum((edited - guide) ** 2, axis=1))
        return {
            "kl": law.kl(degraded, snr, count, seed),
            "tv": law.tv(degraded, snr, count, seed),
            "mmse": law.mmse(snr, None, count, seed),
            "restoration_mmse": law.mmse(snr, self.operator, count, seed),
            "information": law.information(snr, count, seed),
            "sdedit": edit,
            "edit": edit,
        }


@dataclass(frozen=True, eq=False)
class PatchOracle:
    """Discrete prior over patches and any degradation of them.

    Attributes
    ----------
    prior, degraded : PatchPrior
        Patches and, in the same order, their degraded versions.
    draws, seed : int
        As in ``PatchPrior.mmse``.
    """

    prior: PatchPrior
    degraded: PatchPrior
    draws: int = 2
    seed: int = 0

    @property
    def mismatch(self) -> Mismatch:
        """The patches' own covariances, energies and entropy."""
        return Mismatch.from_operator(lambda _: self.degraded.patches, samples=self.prior.patches)

    @property
    def score_bound(self) -> float:
        """``d / SIGMA_END^2``: the mean squared score of points under little noise is that of the noise."""
        return self.prior.patches.shape[1] / SIGMA_END**2

    def truths(self, snr: float) -> dict[str, UncertainValue]:
        """As `Oracle.truths`; W2 of mixtures is not known."""
        prior, degraded = self.prior, self.degraded
        draws, seed = self.draws, self.seed
        rng, sigma = np.random.default_rng(self.seed), snr**-0.5
        distances = []
        for _ in range(self.draws):
            z = degraded.patches + sigma * rng.standard_normal(degraded.patches.shape)
            index = prior.sample_posterior(z, sigma, rng)
            distances.append(np.sum((prior.patches[index] - degraded.patches) ** 2, axis=1))
        edit = _quantile(np.concatenate(distances))
        return {
            "kl": prior.kl(degraded, snr, draws, seed),
            "tv": prior.tv(degraded, snr, draws, seed),
            "mmse": prior.mmse(snr, None, draws, seed),
            "restoration_mmse": prior.mmse(snr, degraded, draws, seed),
            "information": prior.information(snr, draws, seed),
            "restoration_information": degraded.information(snr, draws, seed),
            "sdedit": edit,
            "edit": edit,
        }


def slack_table(
    oracles: Mapping[tuple[str, tuple[float, float]], Oracle],
    schedule: NoiseSchedule,
    timesteps: Iterable[float],
) -> list[dict[str, Any]]:
    """Bound over truth for each oracle, scale, timestep and bound.

    Parameters
    ----------
    oracles : mapping of (name, (s_y, s_x)) to Oracle
    schedule : NoiseSchedule
        Turns timesteps into SNRs.
    timesteps : iterable of float

    Returns
    -------
    list of dict
        One row a bound, with ``oracle``, ``scale_y``, ``scale_x``, ``t``, ``snr``, ``bound`` (its name), ``value``
        (the bound's), ``truth`` and ``truth_std_error`` (0 where exact), ``ratio`` = value / truth and
        ``ratio_std_error``; a ratio is nan where the truth is below `RESOLVED` standard errors. ``tv_of_kl`` is the
        total variation by way of the KL bound. ``w2`` of laws that are not Gaussian is divided by
        its least possible value, so its ratio is an upper limit (``truth_is_lower_limit``).
    """
    rows = []
    for (name, scale), oracle in oracles.items():
        mismatch, constant = oracle.mismatch, oracle.score_bound
        for t in timesteps:
            snr = float(schedule.snr(float(t)))
            bounds = mismatch.bounds(snr, constant, DELTA)
            truths = oracle.truths(snr)
            values = {bound: float(getattr(bounds, bound)) for bound in truths}
            if limited := "w2" not in truths:
                truths["w2"], values["w2"] = UncertainValue(float(bounds.w2_least)), float(bounds.w2)
            truths["tv_of_kl"], values["tv_of_kl"] = truths["tv"], float(tv_bound(bounds.kl))
            for bound, truth in truths.items():
                known = truth.value > max(RESOLVED * truth.std_error, 0.0)
                ratio = values[bound] / truth.value if known else np.nan
                rows.append(
                    {
                        "oracle": name,
                        "scale_y": scale[0],
                        "scale_x": scale[1],
                        "t": float(t),
                        "snr": snr,
                        "bound": bound,
                        "value": values[bound],
                        "truth": truth.value,
                        "truth_std_error": truth.std_error,
                        "ratio": ratio,
                        "ratio_std_error": ratio * truth.std_error / truth.value if known else np.nan,
                        "truth_is_lower_limit": bound == "w2" and limited,
                    }
                )
    return rows


def _quantile(values: Array) -> UncertainValue:
    """Quantile 1 - DELTA with a standard error from the order statistics one standard deviation of rank away."""
    rank, step = 1 - DELTA, np.sqrt(DELTA * (1 - DELTA) / len(values))
    low, middle, high = np.quantile(values, [rank - step, rank, min(rank + step, 1.0)])
    return UncertainValue(float(middle), float(high - low) / 2)
