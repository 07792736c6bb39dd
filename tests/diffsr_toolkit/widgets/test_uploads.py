"""Photographs of a reader's own, uploaded into the explorer."""

from __future__ import annotations

import datetime
import io

import numpy as np
import pytest
from PIL import Image

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.widgets import ScaleExplorer
from helpers.images import walk


def encoded(array: np.ndarray, kind: str = "png") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray((255 * array).astype(np.uint8)).save(buffer, format=kind)
    return buffer.getvalue()


def upload(explorer: ScaleExplorer, name: str, content: bytes) -> None:
    now = datetime.datetime.now(datetime.UTC)
    file = {"name": name, "type": "", "size": len(content), "content": content, "last_modified": now}
    explorer.upload.set_trait("value", (file,))


def test_upload_becomes_the_image(explorer: ScaleExplorer) -> None:
    upload(explorer, "mine.jpg", encoded(walk(150, 300), "jpeg"))
    assert explorer.errors == []
    assert explorer.image.value == "mine" and set(explorer.image.options) == {"leaf", "wall", "mine"}
    assert explorer._hr.shape == (3, 64, 128)
    assert "300 × 150 pixels uploaded, used at 128 × 64" in explorer.status.value
    assert explorer.upload.value == ()


def test_second_upload_of_a_name_replaces_the_first(explorer: ScaleExplorer) -> None:
    upload(explorer, "mine.png", encoded(walk(30, 40)))
    upload(explorer, "mine.png", encoded(walk(50, 20)))
    assert explorer._hr.shape == (3, 50, 20)
    assert list(explorer.image.options) == ["leaf", "wall", "mine"]


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is empty"),
        (b"no picture", "cannot be read as an image"),
        (encoded(walk(40, 40))[:200], "cannot be read as an image"),
    ],
    ids=["empty", "no image", "cut short"],
)
def test_bad_upload_is_explained_and_changes_nothing(
    explorer: ScaleExplorer, content: bytes, message: str
) -> None:
    upload(explorer, "mine.png", content)
    assert len(explorer.errors) == 1 and isinstance(explorer.errors[0], ImageError)
    assert f"mine.png {message}" in explorer.status.value
    assert "diffsr-error" in explorer.status.value
    assert explorer.image.value == "leaf" and list(explorer.image.options) == ["leaf", "wall"]


def test_huge_upload_is_refused(explorer: ScaleExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    upload(explorer, "wide.png", encoded(walk(40, 40)))
    assert "more pixels than the limit" in explorer.status.value
    monkeypatch.setattr("diffsr_toolkit.widgets.inputs.MAX_UPLOAD_BYTES", 1000)
    upload(explorer, "long.png", b"0" * 2000)
    assert "long.png has" in explorer.status.value and "the limit is" in explorer.status.value
    assert len(explorer.errors) == 2
