"""Where a model lies: with the toolkit, in a folder, or on the hub. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.models.card import FILE, ModelCard, card_names, load_card, read_card
from diffsr_toolkit.resources import data_path


def locate(name: str) -> tuple[str, dict[str, Any]]:
    """Folder or hub id of a model, and the keywords with which diffusers loads it.

    Raises
    ------
    ModelError
        When the name is none of a shipped model, a pipeline's folder, or a hub id.
    """
    if not isinstance(name, str) or not name:
        raise ModelError(
            f"model {name!r} is not a name: use 'embedded', a local diffusers folder or a hub id"
        )
    if name in card_names():
        return str(data_path("models", name)), {"local_files_only": True}
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "model_index.json").exists():
            raise ModelError(
                f"folder {name} holds no model_index.json: give a pipeline folder written by save_pretrained"
            )
        return str(folder), {"local_files_only": True}
    parts = name.split("/")
    if len(parts) == 2 and all(parts) and not name.startswith((".", "~")):
        return name, {}
    known = ", ".join(card_names())
    raise ModelError(
        f"model {name!r} is unknown: use {known}, an existing local diffusers folder, or a hub id 'owner/model'"
    )


def card_beside(name: str) -> ModelCard | None:
    """The card of a shipped model, or the one in a model's own folder; None where there is none.

    Raises
    ------
    ModelError
        When the name means no model, or the card is damaged.
    """
    source, _ = locate(name)
    if name in card_names():
        return load_card(name)
    folder = Path(source)
    return read_card(folder) if (folder / FILE).exists() else None
