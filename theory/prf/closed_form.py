"""The field on paper: a power-law spectrum, an ideal low-pass, two frequencies that matter.

With ``r = snr * S_f`` the exact Gaussian results of `theory.gaussian` (probability flow) give, per frequency,

- realism deficit of a *missing* frequency, relative to missing it altogether:
  ``R = (sqrt(S) - sqrt(S / (1 + r)))^2 / S = (1 - 1 / sqrt(1 + r))^2``;
- signature loss of a *surviving* frequency, relative to losing it altogether:
  ``L = 2 S (1 - sqrt(r / (1 + r))) / (2 S) = 1 - sqrt(r / (1 + r))``.

The field takes R at the first missing frequency, the cut-off ``f_c = 1 / (2 s)``, and L at a fixed *signature
frequency* f_s, up to which a picture's layout lives. Solving ``R = eps_R`` and ``L = eps_L`` for r,

    c_R = 1 / (1 - sqrt(eps_R))^2 - 1          snr(t_low)  = c_R / S(f_c)
    c_L = (1 - eps_L)^2 / (1 - (1 - eps_L)^2)  snr(t_high) = c_L / S(f_s)

and with ``S = A f^-a`` the two meet at the critical scale ``1 / (2 f_s) * min(1, (c_R / c_L)^(1 / a))``.

Scales that differ between the axes count by the mean of the axes' own ``S(f_c)``: the noise variance is the mean of
those that would suit each. That is a power mean of the scales with the exponent a, their root mean square for a = 2,
where with c = 1 it is the exact optimum of a rectangular passband; elsewhere it comes within a few per cent.

This is the project's own derivation, not the Diff-SR paper's formula.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import SpectrumError, ToolkitError
from theory.spectra import PowerLaw

Array = NDArray[np.float64]


def missing_deficit(r: ArrayLike) -> Array:
    """Relative realism deficit R of a missing frequency at ``r = snr * S_f``, in [0, 1]."""
    return np.asarray((1 - 1 / np.sqrt(1 + np.asarray(r, dtype=np.float64))) ** 2)


def surviving_loss(r: ArrayLike) -> Array:
    """Relative signature loss L of a surviving frequency at ``r = snr * S_f``, in [0, 1]."""
    r = np.asarray(r, dtype=np.float64)
    # 1 - sqrt(r / (1 + r)) without its cancellation at large r.
    return np.asarray(1 / ((1 + r) * (1 + np.sqrt(r / (1 + r)))))


def realism_threshold(eps: float) -> float:
    """``c_R``: the r at which the deficit of a missing frequency is `eps`."""
    return float(1 / (1 - np.sqrt(check_eps(eps))) ** 2 - 1)


def signature_threshold(eps: float) -> float:
    """``c_L``: the r at which the loss of a surviving frequency is `eps`."""
    kept = (1 - check_eps(eps)) ** 2
    return float(kept / (1 - kept))


def check_eps(eps: float) -> float:
    """A tolerance, which must lie strictly between 0 and 1."""
    if not 0 < eps < 1:
        raise ToolkitError(
            f"tolerance {eps} must lie strictly between 0 and 1: it is a share of what can be lost."
        )
    return float(eps)


@dataclass(frozen=True)
class ClosedForm:
    """The field of a power law at one scale, every quantity a formula.

    Attributes
    ----------
    law : PowerLaw
        Spectrum of the HR image.
    scale : (float, float)
        (s_y, s_x), each at least 1.
    c : float
        Constant of the optimum ``snr(t*) = c / S(f_c)``.
    eps_realism, eps_signature : float
        Tolerances in (0, 1).
    signature_frequency : float
        f_s in cycles per HR pixel.
    """

    law: PowerLaw
    scale: tuple[float, float]
    c: float
    eps_realism: float
    eps_signature: float
    signature_frequency: float

    @property
    def cutoff_psd(self) -> float:
        """S at the effective cut-off: the mean of the axes' S(1 / (2 s))."""
        return float(np.mean(self.law(0.5 / np.array(self.scale))))

    @property
    def effective_scale(self) -> float:
        """The one scale that stands for (s_y, s_x): their power mean of the law's exponent."""
        if self.scale[0] == self.scale[1]:
            return self.scale[0]
        if abs(self.law.exponent) < 1e-9:
            return float(np.sqrt(np.prod(self.scale)))
        return float(0.5 * (self.cutoff_psd / self.law.amplitude) ** (1 / self.law.exponent))

    @property
    def snr_low(self) -> float:
        """Largest SNR (least noise) at which the missing band is regenerated well enough."""
        return np.inf if self.scale == (1.0, 1.0) else realism_threshold(self.eps_realism) / self.cutoff_psd

    @property
    def snr_opt(self) -> float:
        """SNR of the optimum, ``c / S(f_c)``."""
        return np.inf if self.scale == (1.0, 1.0) else self.c / self.cutoff_psd

    @property
    def snr_high(self) -> float:
        """Smallest SNR (most noise) at which the signature is kept; inf where lr has already lost it."""
        if self.effective_scale * 2 * self.signature_frequency > 1:
            return np.inf
        return signature_threshold(self.eps_signature) / float(self.law(self.signature_frequency))

    @property
    def log_snr_low(self) -> float:
        """Logarithm of `snr_low`."""
        return float(np.log(self.snr_low))

    @property
    def log_snr_opt(self) -> float:
        """Logarithm of `snr_opt`."""
        return float(np.log(self.snr_opt))

    @property
    def log_snr_high(self) -> float:
        """Logarithm of `snr_high`."""
        return float(np.log(self.snr_high))

    def realism_deficit(self, snr: ArrayLike) -> Array:
        """R at these SNRs."""
        r = np.asarray(snr, dtype=np.float64) * self.cutoff_psd
        return np.zeros_like(r) if self.scale == (1.0, 1.0) else missing_deficit(r)

    def signature_loss(self, snr: ArrayLike) -> Array:
        """L at these SNRs."""
        r = np.asarray(snr, dtype=np.float64) * self.law(self.signature_frequency)
        return np.ones_like(r) if np.isinf(self.snr_high) else surviving_loss(r)


def critical_scale(
    law: PowerLaw, eps_realism: float, eps_signature: float, signature_frequency: float
) -> float:
    """Largest scale at which the closed-form field is open (1 if it is open only where nothing is missing)."""
    ratio = realism_threshold(eps_realism) / signature_threshold(eps_signature)
    limit = 0.5 / signature_frequency
    if ratio >= 1:
        return max(1.0, limit)
    # A spectrum that does not fall never gets easier towards small scales.
    return max(1.0, limit * ratio ** (1 / law.exponent)) if law.exponent > 0 else 1.0


def optimal_weight(c: float, exponent: float) -> float:
    """Weight w for which ``c / S(f_c)`` minimises ``signature loss + w * realism deficit`` of all frequencies.

    For ``S = A f^-a`` and an ideal isotropic low-pass, in the limit of a wide band, both sums scale alike with
    f_c (substitute ``u = snr S_f``), so the optimum is ``snr = c(w, a) / S(f_c)`` whatever the scale and the
    schedule, with

        w = int_c^inf u^(1/2 - 2/a) (1 + u)^(-3/2) du
            / int_0^c u^(1 - 2/a) ((1 + u)^(-3/2) - (1 + u)^-2) du .

    For a = 2 it is ``2 L(c) / R(c)``, which is ``4 + 2 sqrt(2)`` at c = 1.

    Parameters
    ----------
    c : float
        Positive.
    exponent : float
        a, above 2/3 (the missing band's deficit diverges below).

    Raises
    ------
    SpectrumError
        If the exponent is not above 2/3.
    """
    from scipy.integrate import quad

    if not exponent > 2 / 3:
        raise SpectrumError(
            f"exponent = {exponent} must exceed 2/3 for an optimum of the power law to exist."
        )
    if not 0 < c < np.inf:
        raise ToolkitError(f"c = {c} must be positive and finite.")
    power = 2 / exponent
    # In y = log u, so that neither end is singular.
    kept = quad(
        lambda y: c ** (1.5 - power) * np.exp((1.5 - power) * y) * (1 + c * np.exp(y)) ** -1.5, 0, 80
    )[0]

    def regenerated(y: float) -> float:
        u = c * np.exp(-y)
        return float(-(u ** (2 - power)) * np.expm1(-0.5 * np.log1p(u)) * (1 + u) ** -1.5)

    return float(kept / quad(regenerated, 0, 80)[0])
