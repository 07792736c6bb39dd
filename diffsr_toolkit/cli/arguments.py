"""What the words of a command line mean."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from diffsr_toolkit.errors import ToolkitError

if TYPE_CHECKING:
    from theory.degradation import Degradation


def numbers(text: str) -> list[float]:
    """Comma-separated numbers."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number or a list such as 1.6,2.7,4") from None


def integers(text: str) -> list[int]:
    """Comma-separated whole numbers."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers such as 0,1") from None


def names(text: str) -> list[str]:
    """Comma-separated names."""
    return text.split(",")


def scale(text: str) -> float | tuple[float, ...]:
    """One factor, or two."""
    factors = numbers(text)
    return factors[0] if len(factors) == 1 else tuple(factors)


def size(text: str) -> tuple[int, int]:
    """Height and width, such as 480x640."""
    match = re.fullmatch(r"([0-9]{1,18})x([0-9]{1,18})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a height and a width such as 480x640")
    return int(match[1]), int(match[2])


def timestep(text: str) -> float | str:
    """A number, or a word such as "prf"."""
    try:
        return float(text)
    except ValueError:
        return text


def timesteps(text: str) -> list[float] | str:
    """Comma-separated numbers, or "auto"."""
    return text if text == "auto" else numbers(text)


def degradation(text: str) -> Degradation | str:
    """Read ``bicubic``, ``auto``, or a list such as ``blur=1.2,noise=0.05,jpeg=40``.

    Returns
    -------
    Degradation or str
        The two words stay words.

    Raises
    ------
    ToolkitError
        If a part is unknown, twice given, no number, or out of range.
    """
    from theory.degradation import Degradation

    if text in ("auto", "bicubic"):
        return text
    names = {"blur": "blur_sigma", "noise": "noise_std", "jpeg": "jpeg_quality"}
    values: dict[str, Any] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        if name not in names or names[name] in values:
            raise ToolkitError(
                f"degradation {text!r}: {part!r} is no part of it; give bicubic, auto, or each of blur=SIGMA, "
                "noise=STD, jpeg=QUALITY at most once"
            )
        try:
            values[names[name]] = int(number) if name == "jpeg" else float(number)
        except ValueError:
            raise ToolkitError(f"degradation {text!r}: {number!r} in {part!r} is not a number") from None
    return Degradation(**values)
