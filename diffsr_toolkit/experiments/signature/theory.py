"""What the theory says about the collapse of the signature, from the training pictures' spectrum alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffsr_toolkit.datasets import CLASSES, SIDE
from diffsr_toolkit.experiments.signature.pictures import class_gaussians, fashion_spectrum
from diffsr_toolkit.experiments.signature.statistics import collapse_timestep
from theory.bounds import information_bound
from theory.prf import PRF, Spectral
from theory.schedules import NoiseSchedule

if TYPE_CHECKING:
    from theory.prf import Level

Array = NDArray[np.float64]

FULL_BITS = float(np.log2(len(CLASSES)))


def predicted_collapse(
    schedule: NoiseSchedule, loss: float, level: Level, scale: float = 1.0, eta: float = 0.0
) -> float:
    """The theory's ``t_high`` for the tolerance ``loss``, from the training pictures' spectrum alone.

    Parameters
    ----------
    schedule : NoiseSchedule
    loss : float
        Tolerated signature loss, in (0, 1).
    level : {"closed_form", "spectral"}
        On paper, with the fitted power law and the field's own signature frequency, ``t_high`` knows no scale; the
        spectral level counts what the low-resolution image has lost before any noise.
    eta : float
        0 or 1; only the spectral level tells them apart.

    Returns
    -------
    float
        ``nan`` where the tolerance cannot be kept at any t.
    """
    law, rings, _ = fashion_spectrum()
    spectrum = law if level == "closed_form" else rings
    chosen = Spectral(size=SIDE, eta=eta) if level == "spectral" else level
    prf = PRF(schedule, spectrum, chosen, eps_signature=loss)
    if level == "spectral" and prf.signature_loss(schedule.t_min, scale) > loss:
        return float(np.nan)
    return prf.predict(scale).t_high


def information_ceiling(schedule: NoiseSchedule, t: ArrayLike) -> Array:
    """Most bits on the class that any restoration from ``x_t`` can keep, by the theory's bound for any data.

    ``I(class; restoration) <= I(x; x_t) <= 1/2 sum log(1 + snr v)`` over the variances v of the pixels' principal
    components, and at most the entropy of ten balanced classes.
    """
    _, _, variances = fashion_spectrum()
    snr = np.asarray(schedule.snr(np.asarray(t, dtype=np.float64)))
    return np.minimum(information_bound(snr, variances) / np.log(2), FULL_BITS)


def ceiling_collapse(schedule: NoiseSchedule, loss: float) -> float:
    """Timestep beyond which no restoration keeps the share ``1 - loss`` of the class: an upper bound."""
    t = np.linspace(schedule.t_min, schedule.t_max, 4000)
    enough = information_ceiling(schedule, t) >= (1 - loss) * FULL_BITS
    return float(t[np.flatnonzero(enough)[-1]])


def class_posteriors(sigma: float, draws: int = 2000, seed: int = 0) -> Array:
    """Posteriors of the class given ``x_t``, drawn from the model of one Gaussian a class.

    With the classes' means m_k and one covariance, log-likelihoods depend on ``x_t`` only through ten numbers,
    which are Gaussian with the covariance ``G = M (W + sigma^2)^-1 M^T``: no picture is simulated.

    Returns
    -------
    ndarray of shape (K, draws, K)
        For each true class, the posteriors of draws of ``x_t``.
    """
    means, variances = class_gaussians()
    gram = (means / (variances + sigma**2)) @ means.T
    values, vectors = np.linalg.eigh(gram)
    root = vectors * np.sqrt(np.maximum(values, 0))
    noise = np.random.default_rng(seed).standard_normal((draws, len(gram))) @ root.T
    logits = gram[:, None] + noise - 0.5 * np.diag(gram)
    logits -= logits.max(axis=-1, keepdims=True)
    weights = np.exp(logits)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), dtype=np.float64)


def class_retention(schedule: NoiseSchedule, t: ArrayLike) -> Array:
    """Retention that an ideal restoration with eta = 1 has at scale 1, by the model of one Gaussian a class.

    It draws from the posterior given ``x_t``, so the chance that its class is the original's is the expected sum of
    the squared posteriors, ``E sum_k p(k | x_t)^2``.
    """
    levels = np.ravel(np.asarray(schedule.sigma(np.asarray(t, dtype=np.float64))))
    kept = [np.square(class_posteriors(float(sigma))).sum(axis=-1).mean() for sigma in levels]
    return np.reshape(kept, np.shape(t))


def class_information(schedule: NoiseSchedule, t: ArrayLike) -> Array:
    """``I(class; x_t)`` in bits by the same model: unlike `information_ceiling` an estimate, and no bound."""
    levels = np.ravel(np.asarray(schedule.sigma(np.asarray(t, dtype=np.float64))))
    bits = []
    for sigma in levels:
        p = class_posteriors(float(sigma))
        bits.append(FULL_BITS + float((p * np.log2(np.maximum(p, 1e-300))).sum(axis=-1).mean()))
    return np.reshape(bits, np.shape(t))


def class_collapse(schedule: NoiseSchedule, loss: float, quantity: str) -> float:
    """Timestep at which the class model's retention or information has lost the share ``loss``."""
    t = np.linspace(schedule.t_min, schedule.t_max, 60)
    if quantity == "retention":
        return collapse_timestep(t, class_retention(schedule, t), loss, 1 / len(CLASSES))
    return collapse_timestep(t, class_information(schedule, t), loss)
