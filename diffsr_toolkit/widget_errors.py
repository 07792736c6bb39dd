"""How a widget shows what its callback raised, since ipywidgets would lose it."""

from __future__ import annotations

import html
import traceback

from diffsr_toolkit.errors import ToolkitError


def error_html(error: Exception) -> str:
    """A box with the message; of an error that is not the toolkit's own, with the place where it happened."""
    text = html.escape(str(error))
    if not isinstance(error, ToolkitError):
        trace = html.escape("".join(traceback.format_exception(error)))
        text = (
            f"Unexpected {type(error).__name__}: {text}"
            f"<details><summary>where it happened</summary><pre>{trace}</pre></details>"
        )
    return f"<div class='diffsr-status diffsr-error'>{text}</div>"
