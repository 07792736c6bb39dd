"""What is visible of a figure."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D


def drawn(figure: Figure) -> list[Axes]:
    """The axes that are shown."""
    return [ax for ax in figure.axes if ax.axison]


def legend_is_clear(figure: Figure) -> bool:
    """Whether the figure's legend and title overlap no axes, their labels included."""
    figure.savefig(io.BytesIO(), format="png", dpi=60)
    (legend,) = figure.legends
    boxes: list[Any] = [legend.get_window_extent()]
    if figure._suptitle is not None:
        boxes.append(figure._suptitle.get_window_extent())
        assert not boxes[0].overlaps(boxes[1])
    # A pixel of rounding is no overlap.
    return not any(box.padded(-1).overlaps(ax.get_tightbbox()) for box in boxes for ax in drawn(figure))


def line_labelled(ax: Axes, label: str) -> Line2D:
    """The one line of this label."""
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line
