"""What the explorer shows: figures as PNG bytes, facts and tables as HTML."""

from __future__ import annotations

import html
import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.plots import plot_comparison, plot_curve, plot_field
from diffsr_toolkit.stats import BICUBIC, PREDICTED, SHORT, comparison_table, restorations
from diffsr_toolkit.widgets.inputs import nearest_curve

if TYPE_CHECKING:
    import pandas as pd

    from theory.prf import PRF, Prediction

DPI = 144
FIELD_SIZE = (6.2, 4.1)
REFERENCE_SIZE = (4.8, 4.1)
"""Inches, width and height; side by side they fill the explorer."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

STYLE = """<style>
.diffsr-facts { display: flex; flex-wrap: wrap; gap: 8px; margin: 4px 0; line-height: 1.3; }
.diffsr-facts > div { flex: 1 1 88px; padding: 6px 10px; border-radius: 4px;
  border: 1px solid var(--jp-border-color2, #ccc); }
.diffsr-facts > div:first-child { flex-grow: 1.6; }
.diffsr-facts > div.diffsr-main { border: 2px solid #de8f05; padding: 5px 9px; }
.diffsr-facts span { display: block; white-space: nowrap; font-size: 12px; color: var(--jp-ui-font-color2, #555); }
.diffsr-facts b { font-size: 17px; font-weight: 600; white-space: nowrap; }
.diffsr-text { line-height: 1.45; margin: 2px 0; }
.diffsr-note { color: var(--jp-ui-font-color2, #555); }
.diffsr-status { line-height: 1.45; min-height: 22px; }
.diffsr-error { border-left: 4px solid #c62828; padding: 4px 10px; background: #fdecea; color: #5f1410; }
.diffsr-error pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.diffsr-table { border-collapse: collapse; width: 100%; line-height: 1.5; margin: 6px 0;
  font-variant-numeric: tabular-nums; }
.diffsr-table th, .diffsr-table td { padding: 3px 10px; text-align: right; vertical-align: bottom; }
.diffsr-table th:first-child, .diffsr-table td:first-child { text-align: left; padding-left: 0; }
.diffsr-table thead th { border-bottom: 2px solid var(--jp-border-color1, #999); font-weight: 600; }
.diffsr-table tbody td { border-bottom: 1px solid var(--jp-border-color2, #ddd); }
.diffsr-best { font-weight: 700; }
</style>"""


def png(figure: Figure) -> bytes:
    """A figure as PNG, on white whatever the notebook's theme."""
    buffer = io.BytesIO()
    # Lightly compressed: it goes through memory, and a slider waits for it.
    figure.savefig(buffer, format="png", dpi=DPI, facecolor="white", pil_kwargs={"compress_level": 1})
    return buffer.getvalue()


def _power_of_ten(value: float, _: int) -> str:
    """``10⁻³``: matplotlib sets its own label as a formula, which is slow while dragging."""
    return "10" + str(round(math.log10(value))).translate(_SUPERSCRIPTS)


class FieldFigure:
    """The predicted field, one figure that is drawn again at every move of the slider."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=FIELD_SIZE)

    def draw(self, prf: PRF, prediction: Prediction) -> bytes:
        """PNG for one prediction."""
        self.figure.clear()
        ax = self.figure.subplots()
        # Fixed margins and title: laying out would cost more than the drawing, and jump while dragging.
        self.figure.subplots_adjust(left=0.115, right=0.895, bottom=0.125, top=0.88)
        plot_field(ax, prf.schedule, prf, prediction)
        ax.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
        ax.set_title(f"Predicted field at scale {prediction.scale[0]:.3g}", fontsize="medium", y=1.02)
        return png(self.figure)


class ReferenceFigure:
    """The curve of a reference sweep that is nearest to a scale, drawn when it changes.

    Parameters
    ----------
    frame : pandas.DataFrame or None
        What ``DiffSR.sweep`` returns.
    """

    def __init__(self, frame: pd.DataFrame | None) -> None:
        self.frame = frame
        self._drawn: tuple[Any, bytes] | None = None

    def draw(self, image: str, scale: float, metric: str) -> bytes:
        """PNG of the curve of this image, or of another where the reference lacks it."""
        near = None if self.frame is None else nearest_curve(self.frame, image, scale, metric)
        if self._drawn is None or self._drawn[0] != (near, metric):
            self._drawn = ((near, metric), self._png(near, metric))
        return self._drawn[1]

    def _png(self, near: tuple[str, tuple[float, float]] | None, metric: str) -> bytes:
        figure = Figure(figsize=REFERENCE_SIZE)
        ax = figure.subplots()
        figure.subplots_adjust(left=0.16, right=0.97, bottom=0.125, top=0.88)
        if self.frame is None or near is None:
            what = "No reference sweep is installed." if self.frame is None else "Not in the reference sweep."
            ax.text(0.5, 0.5, f"{what}\nRestore an image to measure its curve.", ha="center", va="center")
            ax.set_axis_off()
        else:
            plot_curve(ax, self.frame, near[0], near[1], metric)
            ax.set_title(f"Measured before: {ax.get_title()}", fontsize="medium", y=1.02)
        return png(figure)


def curve_png(frame: pd.DataFrame, image: str, scale: float, metric: str) -> bytes:
    """A finished or growing sweep's curve."""
    figure = Figure(figsize=(11, 3.7), layout="constrained")
    ax = figure.subplots()
    plot_curve(ax, frame, image, scale, metric, legend=False)
    ax.set_title(f"Measured: {ax.get_title()}", fontsize="medium")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize="small")
    return png(figure)


def comparison_png(images: Mapping[str, Any], captions: Mapping[str, str]) -> bytes:
    """Images side by side; the last one is the original."""
    figure = plot_comparison(images, captions)
    return png(figure)


def facts_html(prediction: Prediction, lr: tuple[int, int], hr: tuple[int, int]) -> str:
    """The prediction's numbers; sizes are ``(H, W)`` in pixels and shown as width x height."""
    cells = [
        ("low-resolution → original", f"{lr[1]} × {lr[0]} → {hr[1]} × {hr[0]}", "", ""),
        ("t<sub>low</sub>", _number(prediction.t_low), "diffsr-t-low", ""),
        ("t<sub>opt</sub>, inject here", _number(prediction.t_opt), "diffsr-t-opt", "diffsr-main"),
        ("t<sub>high</sub>", _number(prediction.t_high), "diffsr-t-high", ""),
        ("SNR at t<sub>opt</sub>", _number(prediction.snr_opt), "diffsr-snr", ""),
        ("σ at t<sub>opt</sub>", _number(prediction.snr_opt**-0.5), "diffsr-sigma", ""),
        ("field closes at", f"× {_number(prediction.critical_scale)}", "diffsr-critical", ""),
    ]
    boxes = "".join(
        f'<div class="{box}"><span>{label}</span><b class="{name}">{value}</b></div>'
        for label, value, name, box in cells
    )
    return f'<div class="diffsr-facts">{boxes}</div>'


def _number(value: float) -> str:
    """Four significant digits, never in powers of ten below a million."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    digits = 0 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 4)}f}" if abs(value) < 1e6 else f"{value:.3g}"


def table_html(frame: pd.DataFrame, best_by: str) -> str:
    """Bicubic beside Diff-SR at the predicted and at the best timestep, the best value of a metric in bold."""
    table = comparison_table(frame, best_by=best_by)
    names = [name for name in METRICS if SHORT.get(name, name) in table.columns]
    heads = ["method", "t", *(_head(name) for name in names), "NFE", "seconds"]
    best = {
        name: table[SHORT[name]].max() if METRICS[name].higher_is_better else table[SHORT[name]].min()
        for name in names
    }
    body = ""
    for _, row in table.iterrows():
        cells = [f"<td>{html.escape(row['method'])}</td>", f"<td>{_cell(row['t'], 1)}</td>"]
        for name in names:
            value = row[SHORT[name]]
            mark = ' class="diffsr-best"' if value == best[name] else ""
            cells.append(f"<td{mark}>{_cell(value, 2 if METRICS[name].unit == 'dB' else 3)}</td>")
        cells += [f"<td>{_cell(row['NFE'], 0)}</td>", f"<td>{_cell(row['seconds'], 2)}</td>"]
        body += f"<tr>{''.join(cells)}</tr>"
    head = "".join(f"<th>{cell}</th>" for cell in heads)
    return (
        f'<table class="diffsr-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f'<div class="diffsr-text diffsr-note">{_protocol(frame, best_by)}</div>'
    )


def _head(metric: str) -> str:
    arrow = "↑" if METRICS[metric].higher_is_better else "↓"
    unit = "" if METRICS[metric].unit == "1" else f" [{METRICS[metric].unit}]"
    return f"{html.escape(SHORT[metric])}{unit} {arrow}"


def _cell(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _protocol(frame: pd.DataFrame, best_by: str) -> str:
    shave = int(frame["shave"].max())
    measured = restorations(frame)["t"].nunique()
    return html.escape(
        f"Best t of {measured} measured, by {SHORT[best_by]}. Against the original without {shave} border pixels; "
        f"LR-PSNR against the input. Degraded by {frame['kernel'].iloc[0]}. Bold: best of the column."
    )


def predicted_values(
    frame: pd.DataFrame, metrics: tuple[str, ...] = ("psnr_y", "feature_distance")
) -> dict[str, str]:
    """Captions of the bicubic and the predicted restoration, of the metrics that fit under a picture."""
    table = comparison_table(frame).set_index("method")
    captions = {}
    for method in (BICUBIC, PREDICTED):
        row = table.loc[method]
        captions[method] = ", ".join(f"{SHORT[name]} {row[SHORT[name]]:.3g}" for name in metrics)
    return captions
