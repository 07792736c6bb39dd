"""Refuse an output that would not fit into memory, before any work on it."""

from __future__ import annotations

import math
import os
from pathlib import Path

from diffsr_toolkit.errors import ImageError
from theory.scale import Scale, as_scale

BYTES_PER_PIXEL = 2048
"""Working memory per output pixel: about 16 float32 maps of 32 channels alive at once in a small U-Net at
full resolution. Larger networks need more; it is an estimate that refuses the hopeless, no promise."""


def available_memory() -> int | None:
    """Bytes that the system says are free; None where it does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    for pages in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):
        try:
            return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            continue
    return None


def check_memory(
    height: int,
    width: int,
    channels: int,
    available: int | None = None,
    *,
    scale: Scale | None = None,
    bytes_per_pixel: int = BYTES_PER_PIXEL,
) -> int:
    """Refuse an output that would not fit into memory.

    Parameters
    ----------
    height, width, channels : int
        Of the output, in pixels.
    available : int, optional
        Bytes that may be used; the system's available memory by default. Where the system does not tell,
        nothing is refused.
    scale : float or (float, float), optional
        The scale that leads to this output, so that the message can name the largest one that would fit.
    bytes_per_pixel : int
        Working memory of the network per output pixel.

    Returns
    -------
    int
        Estimated need in bytes: the network's working memory and six float32 copies of the image.

    Raises
    ------
    ImageError
        If more is needed than is available.
    """
    per_pixel = bytes_per_pixel + 6 * 4 * channels
    needed = height * width * per_pixel
    if available is None:
        available = available_memory()
    if available is None or needed <= available:
        return needed
    # Per axis, rounded down to three digits so that the named scale does fit.
    shrink = math.sqrt(max(available, 0) / needed)
    fits = f"about {int(height * shrink)}x{int(width * shrink)} pixels"
    if scale is not None:
        lower = [math.floor(factor * shrink * 1000) / 1000 for factor in as_scale(scale)]
        if min(lower) >= 1:
            text = f"{lower[0]:g}" if lower[0] == lower[1] else f"({lower[0]:g}, {lower[1]:g})"
            remedy = f"the largest scale that fits is {text} ({fits})"
        else:
            remedy = f"no scale fits ({fits} would); crop the image or free memory"
    else:
        remedy = f"the largest output of this shape that fits is {fits}"
    raise ImageError(
        f"an output of {height}x{width} pixels needs about {needed / 2**30:.3g} GiB, "
        f"{available / 2**30:.3g} GiB are available; {remedy}"
    )
