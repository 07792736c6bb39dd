"""Restored images side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.images import to_tensor
from diffsr_toolkit.plots.style import VERMILION


def plot_comparison(
    images: Mapping[str, Any],
    captions: Mapping[str, str] | None = None,
    *,
    crop: tuple[int, int, int, int] | None = None,
    title: str | None = None,
) -> Figure:
    """Images side by side, whole and with one region enlarged.

    Parameters
    ----------
    images : mapping of labels to images
        PIL images, ``HxW``/``HxWxC`` arrays or ``(C, H, W)`` tensors in [-1, 1]. The last
        sets the size; smaller ones (the low-resolution input) are stretched with nearest neighbours.
    captions : mapping of labels to str, optional
        A line below a label, such as its metrics.
    crop : (top, left, height, width), optional
        Pixels of the last image; by default its square with the most detail.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImageError
        When there is no image or the crop lies outside.
    """
    if not images:
        raise ImageError("0 images were given: a comparison needs at least one")
    arrays = {label: to_array(image) for label, image in images.items()}
    reference = list(arrays.values())[-1]
    height, width = reference.shape[:2]
    top, left, rows, columns = _detail(reference) if crop is None else crop
    if min(top, left) < 0 or min(rows, columns) < 1 or top + rows > height or left + columns > width:
        raise ImageError(f"crop {crop} lies outside the image of {height} x {width} pixels: choose it inside")
    side = 2.5
    ratios = [height / width, rows / columns]
    figure = Figure(figsize=(side * len(arrays), side * sum(ratios) + 0.75), layout="constrained")
    axes = figure.subplots(2, len(arrays), squeeze=False, height_ratios=ratios)
    for column, (label, array) in enumerate(arrays.items()):
        for row in (0, 1):
            ax = axes[row, column]
            ax.imshow(
                array, extent=(0, width, height, 0), interpolation="nearest", cmap="gray", vmin=0, vmax=1
            )
            ax.set(xticks=[], yticks=[])
        axes[1, column].set(xlim=(left, left + columns), ylim=(top + rows, top))
        for colour, thickness in (("white", 1.8), (VERMILION, 1.0)):
            frame = Rectangle((left, top), columns, rows, fill=False, edgecolor=colour, linewidth=thickness)
            axes[0, column].add_patch(frame)
        below = (captions or {}).get(label, "")
        axes[0, column].set_title(f"{label}\n{below}" if below else label, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=11, fontweight="bold")
    return figure


def to_array(image: Any) -> NDArray[np.float64]:
    """``(H, W)`` or ``(H, W, 3)`` in [0, 1] of an image of any kind; a tensor, in [-1, 1], is clipped first."""
    tensor, _ = to_tensor(image.clamp(-1, 1) if hasattr(image, "clamp") else image)
    array = (tensor.double().clamp(-1, 1).numpy() + 1) / 2
    return array[0] if array.shape[0] == 1 else array.transpose(1, 2, 0)


def _detail(image: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """The square, a third of the shorter side, that holds the most gradient energy."""
    grey = image if image.ndim == 2 else image.mean(axis=2)
    side = max(1, round(min(grey.shape) / 3))
    if min(grey.shape) < 2:
        return 0, 0, side, side
    energy = np.hypot(*np.gradient(grey))
    total = np.pad(energy.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    top, left = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return int(top), int(left), side, side
