"""The exactly solvable case: a Gaussian image, its ideal (Wiener) denoiser, and the sampler in closed form.

Every frequency of a stationary Gaussian image is independent and its ideal denoiser is linear, so any list of
DDIM or DDPM steps turns the injected state z into ``gain * z + noise of known variance``, exactly. All functions
work per frequency and broadcast; `psd` is S_f, `sigma` the noise level of ``x = x0 + sigma * noise``.

This is the project's own derivation; the step formula is that of Song et al. 2021 (DDIM).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import TimestepError, ToolkitError

Array = NDArray[np.float64]
Noise = TypeVar("Noise")


def wiener_gain(sigma: ArrayLike, psd: ArrayLike) -> Array:
    """Ideal denoiser of a Gaussian image: ``D(x)_f = S_f / (S_f + sigma^2) * x_f``."""
    psd = np.asarray(psd, dtype=np.float64)
    return psd / (psd + np.asarray(sigma, dtype=np.float64) ** 2)


def ancestral_std(sigma: ArrayLike, sigma_next: ArrayLike, eta: float) -> Array:
    """Standard deviation of the fresh noise in a step from `sigma` down to `sigma_next`.

    ``eta * sigma_next * sqrt(1 - sigma_next^2 / sigma^2)``: DDIM's sigma_t (eq. 16) divided by alpha at the
    arrival, in the coordinates ``x = x0 + sigma * noise``. At eta = 1 it is the standard deviation of
    ``q(x_next | x, x0)``, DDPM's ancestral step.

    References
    ----------
    Song, Meng, Ermon 2021, "Denoising Diffusion Implicit Models", ICLR, eq. 16.
    """
    sigma, nxt = np.asarray(sigma, dtype=np.float64), np.asarray(sigma_next, dtype=np.float64)
    return eta * nxt * np.sqrt(1 - (nxt / sigma) ** 2)


@dataclass(frozen=True, eq=False)
class Chain:
    """What a sampler does to one frequency: ``restored = gain * z + sqrt(variance) * fresh noise``.

    Attributes
    ----------
    sigma : ndarray or float
        Noise level of the injected state z.
    gain, variance : ndarray
        Per frequency.
    """

    sigma: Array | float
    gain: Array
    variance: Array

    def averaged(self, samples: int) -> Chain:
        """What the mean of several restorations of one image does: same gain, less noise.

        Their injected noise is antithetic, each second draw its predecessor's negated, so an even number of draws
        cancels it and an odd one leaves one draw's; the fresh noise is independent.

        Raises
        ------
        ToolkitError
            If `samples` is below 1.
        """
        if samples < 1:
            raise ToolkitError(f"samples = {samples}; average at least 1 restoration.")
        left = np.asarray(self.sigma) * (samples % 2) / samples
        return Chain(left, self.gain, self.variance / samples)

    def output_power(self, transfer: ArrayLike, psd: ArrayLike, added: ArrayLike = 0.0) -> Array:
        """Expected power of the restored image.

        Parameters
        ----------
        transfer : array_like
            H_f: share of the original's coefficient that lr_up keeps (1 where all survived, 0 where lost).
        psd : array_like
            S_f of the original.
        added : array_like
            Power in lr_up that is not the original's coefficient f: folded frequencies, LR noise.
        """
        kept = np.asarray(transfer) ** 2 * np.asarray(psd) + added
        return self.gain**2 * (kept + np.asarray(self.sigma) ** 2) + self.variance

    def squared_error(self, transfer: ArrayLike, psd: ArrayLike, added: ArrayLike = 0.0) -> Array:
        """Expected ``|restored - original|^2``; arguments as in `output_power`."""
        missed = (1 - self.gain * np.asarray(transfer)) ** 2 * np.asarray(psd)
        return missed + self.gain**2 * (np.asarray(added) + np.asarray(self.sigma) ** 2) + self.variance

    def frechet_deficit(self, transfer: ArrayLike, psd: ArrayLike, added: ArrayLike = 0.0) -> Array:
        """Squared Frechet (2-Wasserstein) distance of the restored coefficient's law to the original's.

        ``(sqrt(S_f) - sqrt(output power))^2``; arguments as in `output_power`.
        """
        return (np.sqrt(psd) - np.sqrt(self.output_power(transfer, psd, added))) ** 2

    def inherited(self, transfer: ArrayLike, psd: ArrayLike, added: ArrayLike = 0.0) -> Array:
        """How much of what lr_up knew of the original the restoration still knows, in [0, 1].

        The ratio of correlations ``corr(restored, original) / corr(lr_up, original)``, which is the root of the
        share of the output's power that stems from lr_up. Arguments as in `output_power`.
        """
        kept = np.asarray(transfer) ** 2 * np.asarray(psd) + added
        power = self.output_power(transfer, psd, added)
        return np.sqrt(self.gain**2 * kept / np.where(power > 0, power, 1.0))


def run_chain(sigmas: ArrayLike, psd: ArrayLike, eta: float = 0.0) -> Chain:
    """Exact result of a finite list of DDIM or DDPM steps with the ideal denoiser.

    One step from sigma to sigma' is ``x' = D + sqrt(sigma'^2 - s^2) / sigma * (x - D) + s * noise`` with
    ``s = ancestral_std(sigma, sigma', eta)``.

    Parameters
    ----------
    sigmas : array_like of shape (n + 1,)
        Noise levels, falling, from the injected one to the last (0 for a finished image).
    psd : array_like
        S_f per frequency, any shape.
    eta : float
        In [0, 1]: 0 is DDIM (deterministic), 1 is DDPM (ancestral).

    Returns
    -------
    Chain

    Raises
    ------
    TimestepError
        If the list is not finite and falling, or is not positive before its last value.
    ToolkitError
        If eta is outside [0, 1].
    """
    levels = _checked(sigmas, eta)
    psd = np.asarray(psd, dtype=np.float64)
    gain, variance = np.ones_like(psd), np.zeros_like(psd)
    for step, fresh in _steps(levels, psd, eta):
        gain, variance = step * gain, step**2 * variance + fresh**2
    return Chain(float(levels[0]), gain, variance)


def follow_chain(
    sigmas: ArrayLike, psd: ArrayLike, eta: float, state: ArrayLike, noises: Iterable[ArrayLike]
) -> NDArray[Any]:
    """The restoration of one given state by given fresh noise: the path of which `run_chain` gives the moments.

    Parameters
    ----------
    sigmas, psd, eta
        As for `run_chain`.
    state : array_like of shape (..., *psd.shape)
        Coefficients of injected states, in a unitary basis.
    noises : iterable of array_like of shape (..., *psd.shape)
        Coefficients of unit white noise, one array a step that draws any.

    Returns
    -------
    ndarray of shape (..., *psd.shape)

    Raises
    ------
    TimestepError, ToolkitError
        As `run_chain`, and if there are fewer noises than steps that draw one.
    """
    x, draws = np.asarray(state), iter(noises)
    for step, fresh in _steps(_checked(sigmas, eta), np.asarray(psd, dtype=np.float64), eta):
        x = step * x + (fresh * np.asarray(drawn(draws)) if fresh > 0 else 0.0)
    return x


def drawn(noises: Iterator[Noise]) -> Noise:
    """The next noise of a path.

    Raises
    ------
    ToolkitError
        If there is none.
    """
    for noise in noises:
        return noise
    raise ToolkitError(
        "the path draws more noise than was given: give one array for each step that draws any."
    )


def _checked(sigmas: ArrayLike, eta: float) -> Array:
    """Noise levels that a sampler can take; raises as `run_chain` says."""
    levels = np.asarray(sigmas, dtype=np.float64)
    if levels.ndim != 1 or levels.size < 2 or not np.all(np.isfinite(levels)):
        raise TimestepError(f"sigmas = {levels}; give a 1-D list of at least 2 finite noise levels.")
    if np.any(np.diff(levels) > 0) or np.any(levels[:-1] <= 0) or levels[-1] < 0:
        raise TimestepError(f"sigmas = {levels} must fall and be positive; only the last may be 0.")
    if not 0 <= eta <= 1:
        raise ToolkitError(f"eta = {eta} must be between 0 (DDIM) and 1 (DDPM).")
    return levels


def _steps(levels: Array, psd: Array, eta: float) -> Iterator[tuple[Array, float]]:
    """Of each step ``x' = factor * x + fresh * noise``: the factor per frequency, and fresh."""
    for sigma, nxt in pairwise(levels):
        fresh = float(ancestral_std(sigma, nxt, eta))
        keep = wiener_gain(sigma, psd)
        yield keep + np.sqrt(nxt**2 - fresh**2) / sigma * (1 - keep), fresh


def flow_limit(sigma: ArrayLike, psd: ArrayLike) -> Chain:
    """Limit of `run_chain` for infinitely many steps at eta = 0: the probability-flow ODE.

    ``gain = sqrt(S / (S + sigma^2))``, no fresh noise. With ``r = S / sigma^2``, the error is
    ``2 S (1 - sqrt(r / (1 + r)))`` where everything survived and ``S + S / (1 + r)`` where all was lost.
    """
    gain = np.sqrt(wiener_gain(sigma, psd))
    return Chain(np.asarray(sigma, dtype=np.float64), gain, np.zeros_like(gain))


def posterior_limit(sigma: ArrayLike, psd: ArrayLike) -> Chain:
    """Limit of `run_chain` for infinitely many steps at eta = 1: a sample of the posterior given z.

    ``gain = S / (S + sigma^2)`` and ``variance = S sigma^2 / (S + sigma^2)``: where everything survived the
    error is twice the minimum mean squared error.
    """
    gain = wiener_gain(sigma, psd)
    return Chain(np.asarray(sigma, dtype=np.float64), gain, (1 - gain) * np.asarray(psd, dtype=np.float64))


def psnr(mean_squared_error: ArrayLike) -> Array:
    """Peak signal-to-noise ratio in dB of images in [-1, 1], whose peak-to-peak range is 2."""
    return 10 * np.log10(4 / np.asarray(mean_squared_error, dtype=np.float64))
