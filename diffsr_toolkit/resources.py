"""Where the shipped data lies: beside the packages in a checkout, inside the package in a wheel."""

from __future__ import annotations

from pathlib import Path

from diffsr_toolkit.errors import ToolkitError


def data_path(*parts: str) -> Path:
    """Path of a shipped file or folder.

    Raises
    ------
    ToolkitError
        When the installation does not hold it.
    """
    package = Path(__file__).resolve().parent
    for root in (package / "data", package.parent / "data"):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise ToolkitError(f"the shipped file data/{'/'.join(parts)} is missing: install the toolkit again")
