"""The demonstration's figures and images, from what its sweep has restored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from diffsr_toolkit.columns import CASE, DIFFSR
from diffsr_toolkit.files import write_whole
from diffsr_toolkit.images import degrade, save_image
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.plots import plot_comparison, plot_field, shared_legend, to_array
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.reports import png_bytes, standard_figures
from diffsr_toolkit.restoration import Restorer
from diffsr_toolkit.settings import SamplingSettings
from diffsr_toolkit.stats import optima
from diffsr_toolkit.sweeps import Measured, Store, measure_tasks
from theory.scale import ScalePair, as_scale

if TYPE_CHECKING:
    import pandas as pd

JUDGE = "feature_distance"
"""The metric whose best timestep is shown."""


class Restorations:
    """What a sweep restored with its first seed, for pictures that cost no network evaluation again.

    Parameters
    ----------
    restorer : Restorer
    settings : SamplingSettings
    seed : int
    """

    def __init__(self, restorer: Restorer, settings: SamplingSettings, seed: int) -> None:
        self.restorer = restorer
        self.settings = settings
        self.seed = seed
        self._baselines: dict[tuple[str, ScalePair, str], Measured] = {}
        self._restored: dict[tuple[str, ScalePair, float], Measured] = {}

    def add(self, measured: Measured) -> None:
        """Keep a finished task; ``on_measured`` of a sweep that keeps its images."""
        task = measured.task
        if task.method != DIFFSR:
            self._baselines[task.picture.name, task.scale, task.method] = measured
        elif task.seed == self.seed:
            self._restored[task.picture.name, task.scale, task.t] = measured

    def bicubic(self, name: str, scale: ScalePair) -> Measured:
        """The enlargement without a network."""
        return self._baselines[name, scale, "bicubic"]

    def at(self, name: str, scale: ScalePair, t: float) -> Measured:
        """The restoration from one timestep, made now where the sweep did not measure it."""
        key = name, scale, t
        if key not in self._restored:
            task = replace(self.bicubic(name, scale).task, method=DIFFSR, t=t, seed=self.seed)
            made = measure_tasks(self.restorer, [task], list(METRICS), self.settings, Store(None, {}))
            self._restored[key] = next(made)
        return self._restored[key]


def write_figures(
    out: Path,
    frame: pd.DataFrame,
    tensors: Mapping[str, Tensor],
    scales: Sequence[float],
    restorations: Restorations,
    predictor: Predictor,
) -> dict[str, Path]:
    """Write every figure below ``out/figures`` and the restored images below ``out/images``.

    Parameters
    ----------
    out : pathlib.Path
    frame : pandas.DataFrame
        The sweep.
    tensors : mapping of str to Tensor
        The originals ``(3, H, W)`` in [-1, 1] by name.
    scales : sequence of float
    restorations : Restorations
        Told of every task of the sweep.
    predictor : Predictor

    Returns
    -------
    dict of str to pathlib.Path
        Files by caption, in the order of the report.
    """
    table = optima(frame)
    judged = table[table["metric"] == JUDGE].set_index(CASE)
    figures = {}
    for name in tensors:
        for scale in scales:
            pair = as_scale(scale)
            shown = compared(restorations, name, pair, judged.loc[(name, *pair)])
            _write_images(shown, out / "images", f"{name}_x{scale:g}")
            caption = (
                f"{name} at scale {scale:g}, seed {restorations.seed}; below, the marked square enlarged. "
                "Best t by feature distance."
            )
            figure = comparison_figure(shown, f"{name}, scale {scale:g}")
            figures[caption] = f"comparison_{name}_x{scale:g}", figure
    for name, hr in tensors.items():
        caption = (
            f"The predicted field of {name} at every scale: where the realism deficit and the signature loss are both "
            "small. Dashed: the predicted optimum."
        )
        figures[caption] = f"field_{name}", field_figure(predictor, hr, scales, restorations.settings)
    for number, (caption, figure) in enumerate(standard_figures(frame).items(), start=1):
        figures[caption] = f"sweep_{number}", figure
    paths = {}
    for caption, (stem, figure) in figures.items():
        paths[caption] = out / "figures" / f"{stem}.png"
        write_whole(paths[caption], png_bytes(figure))
    return paths


def compared(
    restorations: Restorations, name: str, scale: ScalePair, point: pd.Series
) -> dict[str, tuple[Tensor, str]]:
    """Images ``(C, H, W)`` of one case with a caption each, by label; `point` is its row of ``stats.optima``."""
    bicubic = restorations.bicubic(name, scale)
    task = bicubic.task
    shown = {"low resolution": (task.lr, _pixels(task.lr)), "bicubic": _with_values(bicubic)}
    for which, t in (("predicted", float(point["t_pred"])), ("best", float(point["t_best"]))):
        shown[f"Diff-SR, {which} t = {t:.1f}"] = _with_values(restorations.at(name, scale, t))
    shown["original"] = task.picture.hr, _pixels(task.picture.hr)
    return shown


def comparison_figure(shown: Mapping[str, tuple[Tensor, str]], title: str) -> Figure:
    """What `compared` gave, side by side."""
    images = {label: image for label, (image, _) in shown.items()}
    return plot_comparison(images, {label: caption for label, (_, caption) in shown.items()}, title=title)


def field_figure(
    predictor: Predictor, hr: Tensor, scales: Sequence[float], settings: SamplingSettings
) -> Figure:
    """The predicted field of one image at every scale.

    Parameters
    ----------
    predictor : Predictor
    hr : Tensor
        The original ``(C, H, W)`` in [-1, 1]; what is predicted from is its reduction alone.
    scales : sequence of float
    settings : SamplingSettings
        Of the restorations that are meant.
    """
    columns = min(2, len(scales))
    rows = math.ceil(len(scales) / columns)
    figure = Figure(figsize=(5.6 * columns, 3.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(scales) :]:
        ax.set_axis_off()
    for ax, scale in zip(axes, scales, strict=False):
        prediction = predictor.predict(scale, degrade(hr, scale), settings=settings)
        plot_field(ax, predictor.schedule, prediction.prf, prediction, legend=False)
    shared_legend(figure)
    return figure


def _write_images(shown: Mapping[str, tuple[Tensor, str]], folder: Path, stem: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    kinds = ("lr", "bicubic", "predicted_t", "best_t", "original")
    for (image, _), kind in zip(shown.values(), kinds, strict=True):
        pixels = (to_array(image) * 255).round().astype("uint8")
        save_image(Image.fromarray(pixels), folder / f"{stem}_{kind}.png")


def _with_values(measured: Measured) -> tuple[Tensor, str]:
    assert measured.restored is not None, "the sweep keeps its images"
    values = {row["metric"]: row["value"] for row in measured.rows}
    caption = f"PSNR {values['psnr_rgb']:.2f} dB\nfeature distance {values[JUDGE]:.3f}"
    return measured.restored, caption


def _pixels(image: Tensor) -> str:
    return f"{image.shape[-2]} x {image.shape[-1]} pixels\n"
