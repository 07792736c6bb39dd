"""A strength that was told from an image, with how far it can be trusted."""

from __future__ import annotations

from typing import NamedTuple


class Measurement(NamedTuple):
    """A strength told from an image.

    Attributes
    ----------
    value : float
        0 where nothing was detected.
    std : float
        Standard error.
    limit : float
        Strength below which it cannot be told from none.
    """

    value: float
    std: float
    limit: float
