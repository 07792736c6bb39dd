"""The exceptions of the toolkit: one family, so that ``except ToolkitError`` catches them all."""

from __future__ import annotations

from theory.errors import ScaleError, SpectrumError, TimestepError, ToolkitError

__all__ = [
    "ImageError",
    "ModelError",
    "OutputError",
    "ScaleError",
    "SpectrumError",
    "StoreError",
    "TimestepError",
    "ToolkitError",
]


class ImageError(ToolkitError):
    """An image that cannot be read, or whose shape, type, values or size cannot be used."""


class ModelError(ToolkitError):
    """A model that cannot be found, loaded or used as a denoiser."""


class OutputError(ToolkitError):
    """A result that cannot be written where, or in the format, that was asked for."""


class StoreError(ToolkitError):
    """A sweep's store that cannot be read, continued or written."""
