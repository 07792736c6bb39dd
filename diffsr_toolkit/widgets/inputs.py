"""What the explorer works on: bundled or uploaded photographs, and reference curves."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from diffsr_toolkit.columns import SCALE
from diffsr_toolkit.datasets import BUNDLED, bundled_photograph, named_images
from diffsr_toolkit.errors import ImageError, StoreError, ToolkitError
from diffsr_toolkit.images import load_image, to_tensor
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.stats import check_frame, restorations

if TYPE_CHECKING:
    import pandas as pd

MAX_UPLOAD_BYTES = 50 * 10**6

Source = Callable[[], Tensor]


def image_sources(images: Any = None) -> dict[str, Source]:
    """Names of images with what loads each as ``(C, H, W)`` in [-1, 1], at its own size.

    Parameters
    ----------
    images : path, image, sequence or mapping of names to images, optional
        As for ``DiffSR.sweep``; the bundled photographs by default.

    Raises
    ------
    ImageError
        When there is none, two share a name, or one cannot be read.
    """
    if images is None:
        return {name: partial(bundled_photograph, name) for name in BUNDLED}
    return {picture.name: partial(getattr, picture, "hr") for picture in named_images(images)}


def decode_upload(upload: Mapping[str, Any]) -> tuple[str, Tensor]:
    """Name and image ``(C, H, W)`` in [-1, 1] of one file of ``ipywidgets.FileUpload``.

    Raises
    ------
    ImageError
        When the file is empty, too large, or cannot be read as an image.
    """
    name = os.path.basename(str(upload["name"])) or "upload"
    content = bytes(upload["content"])
    if not content:
        raise ImageError(f"{name} is empty; upload a PNG, JPEG, WebP, TIFF or BMP file")
    if len(content) > MAX_UPLOAD_BYTES:
        raise ImageError(
            f"{name} has {len(content) / 1e6:.0f} MB, the limit is {MAX_UPLOAD_BYTES / 1e6:.0f} MB; "
            "crop it or save it as JPEG"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return path.stem, to_tensor(load_image(path))[0]
        except ToolkitError as error:
            # The temporary folder means nothing to who uploaded the file.
            raise ImageError(str(error).replace(f"{folder}{os.sep}", "")) from error


def reference_frame(reference: Any = None) -> pd.DataFrame | None:
    """The sweep whose curves are shown before anything is computed.

    Parameters
    ----------
    reference : path-like or pandas.DataFrame, optional
        Long table of ``DiffSR.sweep``; by default the shipped one, None where the installation ships none.

    Raises
    ------
    ToolkitError
        When it cannot be read or is no sweep.
    """
    import pandas as pd

    if reference is None:
        try:
            reference = data_path("reference_sweep.csv")
        except ToolkitError:
            return None
    if not isinstance(reference, pd.DataFrame):
        try:
            reference = pd.read_csv(reference)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{reference} cannot be read as a table ({error}): give a sweep's CSV"
            ) from error
    check_frame(reference)
    return reference


def nearest_curve(
    frame: pd.DataFrame, image: str, scale: float, metric: str
) -> tuple[str, tuple[float, float]] | None:
    """Image and scale of the reference curve to show beside ``scale``.

    Returns
    -------
    (str, (float, float)) or None
        The same image where the reference holds it, else its first; of its scales the nearest in
        ratio. None when the metric was not measured.
    """
    rows = restorations(frame[frame["metric"] == metric]).dropna(subset=["value"])
    if rows.empty:
        return None
    name = image if (rows["image"] == image).any() else str(rows["image"].iloc[0])
    pairs = rows.loc[rows["image"] == name, SCALE].drop_duplicates().itertuples(index=False, name=None)
    near = min(pairs, key=lambda pair: abs(math.log(pair[0] * pair[1]) / 2 - math.log(scale)))
    return name, (float(near[0]), float(near[1]))
