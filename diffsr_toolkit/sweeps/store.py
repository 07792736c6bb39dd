"""A sweep's folder: one small file for each finished task, so that an interrupted sweep goes on."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diffsr_toolkit.errors import OutputError, StoreError
from diffsr_toolkit.files import write_whole

Rows = list[dict[str, Any]]


class Store:
    """Task results on disk, or in memory only when ``folder`` is None.

    Parameters
    ----------
    folder : path-like or None
    protocol : dict
        What every task of this sweep shares (model, steps, eta, ...); a folder holds one protocol.
    keep_images : bool
        Whether restored images are kept beside their rows, as float32 ``.npy`` files.

    Raises
    ------
    StoreError
        When the folder cannot be written, is damaged, or was made with another protocol.
    """

    def __init__(
        self, folder: str | Path | None, protocol: dict[str, Any], *, keep_images: bool = False
    ) -> None:
        self.folder = None if folder is None else Path(folder)
        self.keep_images = keep_images and folder is not None
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"store {self.folder} cannot be made ({error}): choose a writable folder"
            ) from error
        path = self.folder / "protocol.json"
        if path.exists():
            known = _read(path)
            changed = sorted(key for key in {*known, *protocol} if known.get(key) != protocol.get(key))
            if changed:
                key = changed[0]
                raise StoreError(
                    f"store {self.folder} was made with {key}={known.get(key)!r}, now {key}={protocol.get(key)!r}: "
                    "continue with the same settings or choose another folder"
                )
        else:
            try:
                write_whole(path, json.dumps(protocol, indent=1).encode())
            except OutputError as error:
                raise StoreError(str(error)) from error

    def load(self, task: dict[str, Any]) -> Rows | None:
        """Rows of a finished task, or None."""
        if self.folder is None:
            return None
        path = self._path(task)
        return _rows(path) if path.exists() else None

    def save(self, task: dict[str, Any], rows: Rows, image: Tensor | None = None) -> None:
        """Write a finished task atomically, its image first."""
        if self.folder is None:
            return
        path = self._path(task)
        try:
            if self.keep_images and image is not None:
                buffer = io.BytesIO()
                np.save(buffer, image.numpy())
                write_whole(path.with_suffix(".npy"), buffer.getvalue())
            write_whole(path, json.dumps({"task": task, "rows": rows}, indent=1).encode())
        except OutputError as error:
            raise StoreError(str(error)) from error

    def image(self, task: dict[str, Any]) -> Tensor | None:
        """The restored image of a finished task; None where none was kept."""
        if self.folder is None:
            return None
        path = self._path(task).with_suffix(".npy")
        if not path.exists():
            return None
        try:
            return torch.from_numpy(np.load(path, allow_pickle=False))
        except (OSError, EOFError, ValueError, TypeError) as error:
            raise StoreError(
                f"{path} cannot be read ({error}): delete this file and run the sweep again"
            ) from error

    def rows(self) -> Rows:
        """Rows of every finished task."""
        if self.folder is None:
            return []
        return [row for path in sorted(self.folder.glob("task-*.json")) for row in _rows(path)]

    def _path(self, task: dict[str, Any]) -> Path:
        assert self.folder is not None
        digest = hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()[:20]
        return self.folder / f"task-{digest}.json"


def read_store(folder: str | Path) -> tuple[dict[str, Any], Rows]:
    """Protocol and rows of an existing store.

    Raises
    ------
    StoreError
        When the folder is no store.
    """
    path = Path(folder) / "protocol.json"
    if not path.exists():
        raise StoreError(f"{folder} is no sweep store (no protocol.json): give a folder made by a sweep")
    protocol = _read(path)
    return protocol, Store(folder, protocol).rows()


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, TypeError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read ({error}): delete this file and run the sweep again"
        ) from error


def _rows(path: Path) -> Rows:
    rows = _read(path).get("rows")
    if not isinstance(rows, list):
        raise StoreError(f"{path} holds no rows: delete this file and run the sweep again")
    return rows
