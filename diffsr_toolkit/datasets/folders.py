"""Pictures of one's own, as named tensors: paths, images, sequences or mapping of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.images import load_image, to_tensor


@dataclass(frozen=True)
class NamedImage:
    """A high-resolution image with the name that tables use; ``hr`` is ``(C, H, W)`` in [-1, 1]."""

    name: str
    hr: Tensor

    @property
    def digest(self) -> str:
        """Short content hash, so that a store never mixes two images of one name."""
        return hashlib.sha256(self.hr.numpy().tobytes() + repr(tuple(self.hr.shape)).encode()).hexdigest()[
            :12
        ]


def named_images(images: Any) -> list[NamedImage]:
    """Images given as one image, a sequence, or a mapping from names; paths are loaded.

    Raises
    ------
    ImageError
        When there is none, or two share a name.
    """
    if isinstance(images, Mapping):
        pairs = list(images.items())
    elif (
        isinstance(images, str | os.PathLike) or not isinstance(images, Iterable) or hasattr(images, "shape")
    ):
        pairs = [(_name_of(images, 0), images)]
    else:
        pairs = [(_name_of(image, index), image) for index, image in enumerate(images)]
    if not pairs:
        raise ImageError("0 images were given: a sweep needs at least one")
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ImageError(f"the image name {repeated[0]!r} occurs twice: pass a dict with distinct names")
    return [NamedImage(name, _hr(image)) for name, image in pairs]


def _name_of(image: Any, index: int) -> str:
    return Path(image).stem if isinstance(image, str | os.PathLike) else f"image{index}"


def _hr(image: Any) -> Tensor:
    return to_tensor(load_image(image) if isinstance(image, str | os.PathLike) else image)[0]
