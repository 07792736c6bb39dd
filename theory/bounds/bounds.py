"""Bounds on what noise injection can and cannot do, for any data and an ideal denoiser.

Notation: x the original, x~ its down-then-up version, r = x - x~ the residual, d values per image,
``x_t = x + sigma * noise`` and ``z_t = x~ + sigma * noise`` the states of the original and of the injected image,
``snr = sigma ** -2``. `residual_energy` is ``E ||r||^2``, the sum over the image (d times the mean squared error).
Information and divergences are in nats.

Apart from SDEdit's, which is cited, the bounds are this project's own derivation from standard inequalities.
`theory.bounds.mismatch` evaluates all of them for one input, `theory.priors.slack` measures how loose they are.

What the coupling bound on KL gives away is known exactly (chain rule, both states sharing the pair (x, x~)):
``snr E ||r||^2 / 2 - KL = E_z KL(posterior of the pair given a z_t || posterior given an x_t of the same value)``.
Second moments alone allow no smaller factor: for x = +-1 and x~ = 0 the ratio of bound and truth tends to 1 as the
SNR grows. A spectral (whitened) refinement holds for Gaussian images only, so there is none here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import ToolkitError

Array = NDArray[np.float64]


def residual_energy(transfer: ArrayLike, psd: ArrayLike, added: ArrayLike = 0.0) -> float:
    """``E ||x - x~||^2`` of a stationary image: ``sum_f (1 - H_f)^2 S_f + added_f``, one term per mode."""
    psd = np.asarray(psd, dtype=np.float64)
    return float(np.sum((1 - np.asarray(transfer)) ** 2 * psd + added))


def kl_bound(snr: ArrayLike, residual_energy: ArrayLike) -> Array:
    """Mismatch: ``KL(law(z_t) || law(x_t)) <= snr * E ||r||^2 / 2``.

    KL is jointly convex, and given the image both states are Gaussians of variance sigma^2 whose means differ
    by r. The reverse process is a channel, so the same number bounds ``KL(law(restored) || p_data)``
    (data processing).

    Parameters
    ----------
    snr : array_like
        Signal-to-noise ratio of the injection.
    residual_energy : array_like
        ``E ||r||^2``.
    """
    return 0.5 * np.asarray(snr, dtype=np.float64) * np.asarray(residual_energy, dtype=np.float64)


def tv_coupling_bound(snr: ArrayLike, residual_energy: ArrayLike) -> Array:
    """Mismatch: ``TV(law(z_t), law(x_t)) <= erf(sqrt(snr E ||r||^2 / 8))``, below `tv_bound` of `kl_bound` everywhere.

    Given the image, the states are Gaussians of variance sigma^2 at distance ||r||, whose total variation is
    ``erf(||r|| / (2 sqrt(2) sigma))``. TV is jointly convex, so its mean over images is a bound; as a function of
    ``||r||^2`` it is concave, so it may be taken of the mean energy (Jensen). For one pair of Gaussians it is exact,
    and Pinsker's and Bretagnolle-Huber's are bounds of it: never better.

    Parameters
    ----------
    snr : array_like
        Signal-to-noise ratio of the injection; broadcast with `residual_energy`.
    residual_energy : array_like
        ``||r||^2`` of each image (then average the result) or its mean.

    Returns
    -------
    ndarray
        In [0, 1].
    """
    from scipy.special import erf

    energy = np.asarray(residual_energy, dtype=np.float64)
    return np.asarray(erf(np.sqrt(np.asarray(snr, dtype=np.float64) * energy / 8)), dtype=np.float64)


def tv_bound(kl: ArrayLike) -> Array:
    """Total variation, in [0, 1], from KL: the smaller of Pinsker's and Bretagnolle-Huber's bounds.

    ``TV <= sqrt(KL / 2)`` and ``TV <= sqrt(1 - exp(-KL))``; the second stays below 1 where the first is void.
    """
    kl = np.asarray(kl, dtype=np.float64)
    return np.minimum(np.sqrt(kl / 2), np.sqrt(-np.expm1(-kl)))


def w2_bound(residual_energy: ArrayLike) -> Array:
    """Mismatch: ``W2(law(z_t), law(x_t)) <= sqrt(E ||r||^2)`` in the coordinates ``x + sigma * noise``.

    The coupling that shares image and noise. A variance-preserving state is alpha times that, so is its bound.
    """
    return np.sqrt(np.asarray(residual_energy, dtype=np.float64))


def w2_least(snr: ArrayLike, psd: ArrayLike, degraded: ArrayLike) -> Array:
    """W2(law(z_t), law(x_t)) is at least this for *every* pair of laws with these covariances; equal for Gaussians.

    ``sqrt(sum (sqrt(S + sigma^2) - sqrt(S~ + sigma^2))^2)``: Gelbrich's bound where both covariances have the same
    eigenvectors. Where they have not, falling eigenvalues of both still bound it from below (von Neumann's trace
    inequality). With `w2_bound` it encloses the truth of any data.

    Parameters
    ----------
    snr : array_like of any shape
    psd, degraded : array_like of shape (m,)
        Power of x and of x~ per shared mode, or both covariances' eigenvalues in falling order.

    References
    ----------
    Gelbrich 1990, "On a formula for the L2 Wasserstein metric between measures on Euclidean and Hilbert spaces",
    Math. Nachr. 147.
    """
    snr = np.asarray(snr, dtype=np.float64)[..., None]
    psd, degraded = np.broadcast_arrays(np.ravel(psd), np.ravel(degraded))
    # The difference of the roots as one fraction: no cancellation where the noise dominates.
    roots = np.sqrt(psd + 1 / snr) + np.sqrt(degraded + 1 / snr)
    return np.sqrt(np.sum(((psd - degraded) / roots) ** 2, axis=-1))


def mmse_bound(snr: ArrayLike, psd: ArrayLike) -> Array:
    """``mmse(x | x_t) <= sum_f S_f / (1 + snr S_f)`` for *every* law with spectrum S; equal for Gaussians.

    The Wiener filter is one estimator, and the mmse is the best of all. It never exceeds the total power nor
    ``m / snr``. ``S / (1 + snr S)`` is concave in S: a spectrum averaged over rings or over images gives a larger,
    valid bound, and the eigenvalues of the full covariance the smallest of this kind.

    Parameters
    ----------
    snr : array_like of any shape
    psd : array_like of shape (m,)
        S_f of every mode.

    Returns
    -------
    ndarray of the shape of `snr`
        Squared error summed over the modes. A sample of the posterior has twice the mmse.
    """
    snr, psd = np.asarray(snr, dtype=np.float64)[..., None], np.ravel(psd)
    return np.sum(psd / (1 + snr * psd), axis=-1)


def information_bound(snr: ArrayLike, psd: ArrayLike) -> Array:
    """``I(x; x_t) <= 1/2 sum_f log(1 + snr S_f)`` nats for every law with spectrum S; equal for Gaussians.

    Its derivative in the SNR is half of `mmse_bound`: I-MMSE.

    References
    ----------
    Guo, Shamai, Verdu 2005, "Mutual information and minimum mean-square error in Gaussian channels", IEEE T-IT.
    """
    snr, psd = np.asarray(snr, dtype=np.float64)[..., None], np.ravel(psd)
    return 0.5 * np.sum(np.log1p(snr * psd), axis=-1)


def fano_bound(information: ArrayLike, classes: int) -> Array:
    """Signature: no restoration keeps one of n equally likely classes more often than ``(I + log 2) / log n``.

    Fano's inequality. The class may be anything that the original determines (which patch, which garment); I bounds
    the information that the injected state has on it, such as `information_bound` of x~'s spectrum.

    Parameters
    ----------
    information : array_like
        Nats.
    classes : int
        n >= 2.

    Returns
    -------
    ndarray
        Probability, in [0, 1].

    Raises
    ------
    ToolkitError
        If there are fewer than 2 classes.

    References
    ----------
    Cover, Thomas 2006, "Elements of information theory", 2nd ed., Theorem 2.10.1.
    """
    if classes < 2:
        raise ToolkitError(f"classes = {classes}: give at least 2.")
    nats = np.asarray(information, dtype=np.float64)
    return np.minimum((nats + np.log(2)) / np.log(classes), 1.0)


def restoration_mmse_bound(
    snr: ArrayLike, transfer: ArrayLike, psd: ArrayLike, added: ArrayLike = 0.0
) -> Array:
    """Linear estimation error of x from the *injected* state z_t: what a restoration could reach at best.

    ``mmse(x | z_t) <= sum_f S_f - (H_f S_f)^2 / (H_f^2 S_f + added_f + 1 / snr)``, with equality for Gaussian
    images without aliasing. Never below `mmse_bound` for the same modes where ``0 <= H <= 1``.

    Parameters
    ----------
    snr : array_like of any shape
    transfer, psd, added : array_like of shape (m,)
        H_f, S_f, and the power in x~ that is not the original's own (see `theory.degradation`).
    """
    snr = np.asarray(snr, dtype=np.float64)[..., None]
    gain, psd = np.broadcast_arrays(np.ravel(transfer), np.ravel(psd))
    noise = np.ravel(np.asarray(added, dtype=np.float64))
    # S - (H S)^2 / (H^2 S + added + 1 / snr), brought to one fraction: no cancellation at large SNR.
    return np.sum(psd * (1 + snr * noise) / (1 + snr * (gain**2 * psd + noise)), axis=-1)


def gaussian_kl(snr: ArrayLike, transfer: ArrayLike, psd: ArrayLike, added: ArrayLike = 0.0) -> Array:
    """Exact ``KL(law(z_t) || law(x_t))`` of a Gaussian image whose modes are independent.

    ``1/2 sum (q - 1 - log q)`` with ``q = (H^2 S + added + sigma^2) / (S + sigma^2)``; the oracle for `kl_bound`.
    Arguments as in `restoration_mmse_bound`.
    """
    snr = np.asarray(snr, dtype=np.float64)[..., None]
    gain, psd = np.broadcast_arrays(np.ravel(transfer), np.ravel(psd))
    excess = snr * (gain**2 * psd + np.ravel(added) - psd) / (1 + snr * psd)
    return 0.5 * np.sum(excess - np.log1p(excess), axis=-1)


def sdedit_bound(sigma: ArrayLike, score_bound: float, dimension: int, delta: float) -> Array:
    """SDEdit's bound on how far an edit moves from its guide, for comparison.

    If ``||s(x, t)||^2 <= C`` for all x and t, then with probability at least 1 - delta

        ||guide - SDEdit(guide)||^2 <= sigma^2 (C sigma^2 + d + 2 sqrt(-d log delta) - 2 log delta).

    Unlike the bounds above it knows neither spectrum nor scale, so it orders timesteps but places no optimum. It
    counts the noise of the reverse process alone and adds squares as if drift and noise were orthogonal: between
    the guide *before* its injection and the edit it can fail (C = 0 moves by ``2 d sigma^2`` in the mean). `edit_bound`
    is the form that holds.

    Parameters
    ----------
    sigma : array_like
        Noise level of the injection, variance-exploding coordinates.
    score_bound : float
        C >= 0.
    dimension : int
        d, values per image.
    delta : float
        In (0, 1).

    Raises
    ------
    ToolkitError
        If a constant is out of range.

    References
    ----------
    Meng et al. 2022, "SDEdit: Guided image synthesis and editing with stochastic differential equations", ICLR,
    Proposition 1.
    """
    variance = np.asarray(sigma, dtype=np.float64) ** 2
    return variance * (score_bound * variance + _chi_square_tail(score_bound, dimension, delta))


def edit_bound(sigma: ArrayLike, score_bound: float, dimension: int, delta: float) -> Array:
    """Squared distance of an edit from its guide, with probability at least 1 - delta: ``(sqrt(C) sigma^2 + noise)^2``.

    Guide to edit is noise of variance sigma^2 going up, independent noise of variance sigma^2 coming down (reverse
    SDE), and a drift of at most ``sqrt(C) sigma^2``; the noise has variance 2 sigma^2, so by the triangle inequality
    and Laurent and Massart's chi-square tail

        ||guide - edit||^2 <= (sqrt(C) sigma^2 + sigma sqrt(2 (d + 2 sqrt(-d log delta) - 2 log delta)))^2.

    The probability flow has half the drift and none of the second noise: it stays below. Arguments and errors as
    in `sdedit_bound`.

    References
    ----------
    Laurent, Massart 2000, "Adaptive estimation of a quadratic functional by model selection", Annals of Statistics
    28(5), Lemma 1.
    """
    sigma = np.asarray(sigma, dtype=np.float64)
    tail = _chi_square_tail(score_bound, dimension, delta)
    return (np.sqrt(score_bound) * sigma**2 + sigma * np.sqrt(2 * tail)) ** 2


def _chi_square_tail(score_bound: float, dimension: int, delta: float) -> float:
    if not (score_bound >= 0 and dimension >= 1 and 0 < delta < 1):
        raise ToolkitError(
            f"score_bound = {score_bound}, dimension = {dimension}, delta = {delta}: choose a score bound of at "
            "least 0, a dimension of at least 1 and delta strictly between 0 and 1."
        )
    return float(dimension + 2 * np.sqrt(-dimension * np.log(delta)) - 2 * np.log(delta))
