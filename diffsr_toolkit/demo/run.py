"""Sweep a few photographs, print the tables, write figures, images and the report."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from diffsr_toolkit.datasets import BUNDLED, bundled_photograph, fit_within
from diffsr_toolkit.demo.figures import Restorations, write_figures
from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.images import KERNEL
from diffsr_toolkit.pipeline import DiffSR
from diffsr_toolkit.reports import comparison_text, summary_text, verdicts, write_report
from diffsr_toolkit.settings import PAIR, SamplingSettings
from diffsr_toolkit.sweeps import run_sweep

if TYPE_CHECKING:
    import pandas as pd

SCALES = (1.6, 2.7, 4.0, 6.0)
SMALLEST_SIDE = 32
TITLE = "Diff-SR: the predicted injection timestep beside the best one measured"


def photographs(names: Sequence[str], side: int) -> tuple[dict[str, Tensor], list[str]]:
    """Whole bundled photographs, reduced until the longer side has ``side`` pixels.

    Parameters
    ----------
    names : sequence of str
        Among ``datasets.BUNDLED``.
    side : int
        Pixels; a photograph that is smaller stays as it is.

    Returns
    -------
    (dict of str to Tensor, list of str)
        ``(3, H, W)`` in [-1, 1] by name, and a sentence about each.

    Raises
    ------
    ImageError
        For an unknown or repeated name, no name at all, or a side below 32 pixels.
    """
    if side < SMALLEST_SIDE:
        raise ImageError(f"side={side} pixels leaves too little to see: give {SMALLEST_SIDE} or more")
    if not names:
        raise ImageError(f"0 photographs were named: choose among {', '.join(BUNDLED)}")
    if len(set(names)) < len(names):
        raise ImageError(f"a photograph is named twice in {', '.join(names)}: name each once")
    tensors, notes = {}, []
    for name in names:
        whole = bundled_photograph(name)
        tensors[name] = fit_within(whole, side)
        (height, width), size = whole.shape[-2:], tensors[name].shape[-2:]
        done = f"reduced from {height} x {width} with {KERNEL}" if size != whole.shape[-2:] else "as it is"
        notes.append(f"{name}: whole photograph, {size[0]} x {size[1]} pixels, {done}")
    return tensors, notes


def run_demo(
    out: str | Path = "build/demo",
    *,
    images: Sequence[str] = BUNDLED,
    side: int = 176,
    scales: Sequence[float] = SCALES,
    timesteps: str | Sequence[float] = "auto",
    seeds: Sequence[int] = (0,),
    settings: SamplingSettings = PAIR,
    model: str = "embedded",
    progress: bool = True,
) -> pd.DataFrame:
    """Sweep, print the tables, write images, figures and the report.

    Parameters
    ----------
    out : path-like
        Folder; its ``store`` lets an interrupted run go on.
    images, side
        See `photographs`.
    scales, timesteps, seeds
        See ``sweeps.run_sweep``.
    settings : SamplingSettings
    model : str
        See ``DiffSR.from_pretrained``.
    progress : bool

    Returns
    -------
    pandas.DataFrame
        The sweep.

    Raises
    ------
    ToolkitError
        Bad settings, or files that cannot be written.
    """
    start, out = time.perf_counter(), Path(out)
    tensors, notes = photographs(images, side)
    sr = DiffSR.from_pretrained(model)
    print(*notes, sep="\n", end="\n\n")
    restorations = Restorations(sr.restorer, settings, seeds[0])
    frame = run_sweep(
        sr.restorer,
        sr.predictor,
        tensors,
        scales=scales,
        timesteps=timesteps,
        seeds=seeds,
        store=out / "store",
        settings=settings,
        keep_images=True,
        on_measured=restorations.add,
        progress=progress,
    )
    print(comparison_text(frame), end="\n\n")
    print(
        "Prediction against measurement, over all scales (in brackets: 95 % bootstrap intervals over images):"
    )
    print(summary_text(frame, per_scale=False), end="\n\n")
    for verdict in verdicts(frame):
        print(textwrap.fill(f"{verdict.subject}: {verdict.text}", 110, subsequent_indent="  "))
    figures = write_figures(out, frame, tensors, scales, restorations, sr.predictor)
    report = write_report(
        frame,
        out / "report.html",
        TITLE,
        figures,
        protocol={"model": sr.name, "photographs": "; ".join(notes)},
    )
    print(f"\nReport:  {report}\nFigures: {out / 'figures'}\nImages:  {out / 'images'}")
    print(f"Done in {time.perf_counter() - start:.0f} s.")
    return frame
