"""The one exception family of the project.

Every message names the offending value, the limit it broke and what to do about it.
"""


class ToolkitError(ValueError):
    """Base class of every error that the project raises on purpose."""


class ScaleError(ToolkitError):
    """A scale is not finite, below 1, or does not fit the image."""


class TimestepError(ToolkitError):
    """A timestep, noise level or SNR lies outside what the schedule covers."""


class SpectrumError(ToolkitError):
    """A spectrum cannot be measured, fitted or used as asked."""
