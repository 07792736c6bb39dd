"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

from diffsr_toolkit.errors import OutputError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically, its folders too.

    Raises
    ------
    OutputError
        When it cannot be written; an earlier file there stays as it was.
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        raise OutputError(f"{path} could not be written ({error}): choose a writable folder") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write plain values as JSON, atomically, with each list of numbers on one line."""
    write_whole(path, (_pretty(content) + "\n").encode())


def _pretty(value: Any, indent: str = "") -> str:
    inner = indent + " "
    if isinstance(value, dict) and value:
        lines = [f"{inner}{json.dumps(str(key))}: {_pretty(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list | tuple) and any(isinstance(item, dict | list | tuple) for item in value):
        return "[\n" + ",\n".join(inner + _pretty(item, inner) for item in value) + f"\n{indent}]"
    return json.dumps(value)
