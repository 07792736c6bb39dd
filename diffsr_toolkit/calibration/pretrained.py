"""What ``diffsr calibrate`` does: from a model's name and image files to the card beside the model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from diffsr_toolkit.calibration.card import make_card
from diffsr_toolkit.calibration.plan import CalibrationPlan
from diffsr_toolkit.datasets import photograph
from diffsr_toolkit.errors import ImageError, ModelError, OutputError
from diffsr_toolkit.models import ModelCard, card_names, load_model, save_card
from diffsr_toolkit.restoration import DiffusionRestorer

CARD = "card.json"
PRECISIONS = ("float32", "bfloat16")


def calibrate_model(
    name: str,
    images: Sequence[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str] | None = None,
    store: str | os.PathLike[str] | None = None,
    side: int = 160,
    seeds: Sequence[int] = (0,),
    precision: str = "float32",
    plan: CalibrationPlan | None = None,
    progress: bool = True,
) -> ModelCard:
    """Load a model, make its card from image files, and write it.

    Parameters
    ----------
    name : str
        See `diffsr_toolkit.models.load_model`.
    images : sequence of path-like
        Image files of the model's domain; see `make_card`.
    out : path-like, optional
        The file to write. By default the card in the model's own folder, where later loads find it; ``card.json`` in
        the working folder for a model that ships with the toolkit or comes from the hub.
    store : path-like, optional
        Folder that keeps what is measured, so that an interrupted calibration goes on.
    side : int
        Longer side in pixels to which larger pictures are reduced.
    seeds : sequence of int
    precision : {"float32", "bfloat16"}
        Of the network. Half precision takes half the time where the processor has it in hardware (elsewhere it takes
        many times longer), and moves no band by more than its fourth digit.
    plan : CalibrationPlan, optional
    progress : bool

    Returns
    -------
    ModelCard
        As it was written.

    Raises
    ------
    ToolkitError
        As `make_card`; a model or an image that cannot be read; an output that cannot be written, before anything is
        measured.
    """
    if precision not in PRECISIONS:
        raise ModelError(f"precision={precision!r} is unknown: choose among {', '.join(PRECISIONS)}")
    path = _destination(name) if out is None else Path(out)
    model = load_model(name, dtype=getattr(torch, precision))
    restorer = DiffusionRestorer(
        model.denoiser, model.schedule, name=_title(name), device=model.denoiser.device
    )
    _check_writable(path)
    card = make_card(
        restorer,
        {file.name: photograph(file, side) for file in _distinct(images)},
        seeds=seeds,
        store=None if store is None else Path(store),
        plan=plan,
        description=model.card.description,
        progress=progress,
    )
    save_card(card, path)
    return card


def _own_folder(name: str) -> Path | None:
    folder = Path(name).expanduser()
    return folder if name not in card_names() and folder.is_dir() else None


def _destination(name: str) -> Path:
    folder = _own_folder(name)
    return Path(CARD) if folder is None else folder / CARD


def _title(name: str) -> str:
    """A card names a local model by its folder, which may be moved."""
    folder = _own_folder(name)
    return name if folder is None else folder.resolve().name


def _distinct(images: Sequence[str | os.PathLike[str]]) -> list[Path]:
    files = [Path(image) for image in images]
    names = [file.name for file in files]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ImageError(
            f"two pictures are named {repeated[0]!r}: rename one, since the card tells them by name"
        )
    return files


def _check_writable(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent} cannot be made ({error}): choose a writable folder") from error
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path} cannot be written: name a file in a writable folder")
