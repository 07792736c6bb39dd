"""A sweep as one self-contained HTML page: verdict, tables, figures, protocol."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from diffsr_toolkit import __version__
from diffsr_toolkit.columns import SCALE
from diffsr_toolkit.errors import OutputError
from diffsr_toolkit.files import write_whole
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.reports.protocol import protocol_lines
from diffsr_toolkit.reports.tables import TextTable, comparison_text, optima_text, summary_text
from diffsr_toolkit.reports.verdict import verdicts
from diffsr_toolkit.stats import (
    SHORT,
    check_frame,
    higher_is_better,
    optima,
    restorations,
    scale_label,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 110
_KINDS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}


def standard_figures(frame: pd.DataFrame, max_images: int = 6) -> dict[str, Figure]:
    """Captions and figures that a sweep alone can give: curves of every metric, and the optima.

    Parameters
    ----------
    frame : pandas.DataFrame
        What ``DiffSR.sweep`` returns.
    max_images : int
        Rows of a figure of curves; the caption names how many images were left out.
    """
    from matplotlib.figure import Figure

    from diffsr_toolkit.plots import plot_curves, plot_optima

    table = optima(frame)
    figures = {}
    for metric in (name for name in METRICS if name in set(table["metric"])):
        names = list(dict.fromkeys(table.loc[table["metric"] == metric, "image"]))
        left_out = len(names) - max_images
        more = f" In the tables only: {_count(left_out, 'more image')}." if left_out > 0 else ""
        caption = (
            f"{SHORT.get(metric, metric)} over the injection timestep, one row an image, one column a scale."
            f"{' Higher' if higher_is_better(metric) else ' Lower'} is better.{more}"
        )
        figures[caption] = plot_curves(frame, metric, names[:max_images])
    figure = Figure(figsize=(8.2, 4.9), layout="constrained")
    plot_optima(figure.subplots(), table)
    figures["Predicted against measured best timestep, every image and scale."] = figure
    return figures


def write_report(
    frame: pd.DataFrame,
    out: str | Path,
    title: str,
    figures: Mapping[str, Figure | str | Path] | None = None,
    *,
    protocol: Mapping[str, Any] | None = None,
) -> Path:
    """Write a sweep as one HTML file that needs no other file, no network and no script.

    Parameters
    ----------
    frame : pandas.DataFrame
        What ``DiffSR.sweep`` returns.
    out : path-like
        An ``.html`` file, or a folder, which then gets ``report.html``. It appears only when complete.
    title : str
    figures : mapping of captions to figures or image files, optional
        ``standard_figures(frame)`` by default.
    protocol : mapping, optional
        More to say in the protocol, e.g. the store's ``{"model": ...}``.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    ToolkitError
        When the table is no sweep.
    OutputError
        When a figure cannot be read or the file not be written.
    """
    from jinja2 import Environment, StrictUndefined

    check_frame(frame)
    path = Path(out) if Path(out).suffix.lower() in (".html", ".htm") else Path(out) / "report.html"
    chosen = standard_figures(frame) if figures is None else figures
    diffsr = restorations(frame)
    scales = ", ".join(scale_label(*pair) for pair in frame[SCALE].drop_duplicates().itertuples(index=False))
    count = frame["image"].nunique()
    interval = (
        f", with 95 % bootstrap intervals over {count} images" if count > 1 else " (one image: no interval)"
    )
    judge = next(name for name in ("feature_distance", *METRICS) if (diffsr["metric"] == name).any())
    wins = (
        "Wins: cases (images times scales) in which Diff-SR at the predicted t beats bicubic; at best t: at the best t "
        "measured instead; at edge: cases whose best t is the first or last one measured."
    )
    tables = [
        ("comparison", "Comparison", f"Bold: the best of the methods. Best t: the one measured to be best by "
         f"{SHORT.get(judge, judge)}. Of the feature distance less is better, of the other metrics more. NFE: network "
         "evaluations; seconds: wall time.", comparison_text(frame)),
        ("prediction", "Prediction, all scales", f"Cost of predicting t: means over all cases{interval}. {wins}",
         summary_text(frame, per_scale=False)),
        ("scales", "Prediction, each scale", f"Cost of predicting t: means over images{interval}. Counts as above.",
         summary_text(frame)),
        ("optima", "Every optimum", "Best t over the timesteps measured; (edge): it is the first or last of them, "
         "so that the true optimum may lie outside.", optima_text(frame)),
    ]  # fmt: skip
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        Path(__file__).with_name("report.html.j2").read_text(encoding="utf-8")
    )
    html = template.render(
        title=title,
        lead=f"{_count(count, 'image')}; scales {scales}; {_count(diffsr['seed'].nunique(), 'seed')}",
        verdicts=verdicts(frame),
        tables=[_for_template(*table) for table in tables[:-1]],
        last=_for_template(*tables[-1]),
        figures=[{"caption": caption, **_embed(figure)} for caption, figure in chosen.items()],
        protocol=protocol_lines(frame, protocol or {}),
        version=__version__,
    )
    write_whole(path, html.encode("utf-8"))
    return path


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _for_template(anchor: str, heading: str, caption: str, table: TextTable) -> dict[str, Any]:
    rows = [
        {
            "first": i in table.first,
            "cells": [{"text": x, "best": (i, j) in table.best} for j, x in enumerate(line)],
        }
        for i, line in enumerate(table.cells)
    ]
    return {
        "anchor": anchor, "heading": heading, "caption": caption, "columns": table.columns,
        "texts": table.texts, "rows": rows,
    }  # fmt: skip


def _embed(figure: Figure | str | Path) -> dict[str, str]:
    if isinstance(figure, str | Path):
        path = Path(figure)
        if path.suffix.lower() not in _KINDS:
            raise OutputError(f"figure {path} cannot be embedded: give one of {', '.join(_KINDS)}")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise OutputError(f"figure {path} cannot be read ({error}): draw it again") from error
        kind = _KINDS[path.suffix.lower()]
    else:
        content, kind = png_bytes(figure), "png"
    return {"kind": kind, "data": base64.b64encode(content).decode("ascii")}


def png_bytes(figure: Figure) -> bytes:
    """A figure as PNG, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
