"""How a widget shows what its callback raised, since ipywidgets would lose it."""

from __future__ import annotations

import html
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from diffsr_toolkit.errors import ToolkitError

if TYPE_CHECKING:
    import ipywidgets as ipw


def guarded(
    action: Callable[[], None], errors: list[Exception], status: ipw.HTML, *, clear: bool = True
) -> None:
    """Run a callback; keep in `errors` and show in `status` what it raises.

    `clear` empties the status when nothing was raised.
    """
    try:
        action()
    except Exception as error:
        errors.append(error)
        status.value = error_html(error)
    else:
        if clear:
            status.value = ""


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
