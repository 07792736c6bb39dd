"""What the bounds say of one input at some noise levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bounds:
    """Every bound of one input over an array of SNRs; each field has the shape of `snr`.

    Attributes
    ----------
    snr : ndarray
    kl, tv, w2 : ndarray
        At most this far are law(z_t) and law(x_t); KL in nats, TV in [0, 1], W2 in ``x + sigma * noise`` units.
    w2_least : ndarray
        And their W2 is at least this.
    mmse, restoration_mmse : ndarray
        At most this is the squared error, summed over the image, of the best estimate of x from x_t and from z_t.
    information, restoration_information : ndarray
        At most this many nats does x_t and does z_t tell of x.
    sdedit, edit : ndarray
        Squared distance of edit and guide, see `theory.bounds.sdedit_bound` and `theory.bounds.edit_bound`.
    """

    snr: Array
    kl: Array
    tv: Array
    w2: Array
    w2_least: Array
    mmse: Array
    restoration_mmse: Array
    information: Array
    restoration_information: Array
    sdedit: Array
    edit: Array
