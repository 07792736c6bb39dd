"""The spectrum that a prediction rests on, from the low-resolution image alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsr_toolkit.errors import SpectrumError, ToolkitError
from theory.degradation import BICUBIC, Degradation
from theory.scale import ScalePair
from theory.spectra import PowerLaw


def image_spectrum(
    lr: Any, scale: ScalePair, reference: PowerLaw, degradation: Degradation = BICUBIC
) -> PowerLaw:
    """Power law of the high-resolution image, estimated from its low-resolution version alone.

    Parameters
    ----------
    lr : array_like of shape (C, h, w)
        In [-1, 1].
    scale : ScalePair
    reference : PowerLaw
        For an image too small or too flat for a fit.
    degradation : Degradation
        Known and corrected for.
    """
    from theory.spectra import fit_spectrum

    try:
        return fit_spectrum(np.asarray(lr, dtype=np.float64), scale, degradation)
    except SpectrumError:
        return reference


def told_degradation(lr: Any, scale: ScalePair, reference: PowerLaw) -> tuple[Degradation, PowerLaw, str]:
    """The degradation and the spectrum that an image itself tells, and a sentence that says so.

    Of an image too small or too flat to tell, bicubic and `image_spectrum`.

    Raises
    ------
    ToolkitError
        Without an image.
    """
    from diffsr_toolkit.blind import estimate_degradation

    if lr is None:
        raise ToolkitError("degradation='auto' is told from an image: give one, or name the degradation")
    try:
        found = estimate_degradation(np.asarray(lr, dtype=np.float64), scale)
    except SpectrumError:
        note = "The image is too small or too flat to tell its degradation; bicubic is assumed."
        return BICUBIC, image_spectrum(lr, scale, reference), note
    return found.degradation, found.spectrum, found.explanation
