"""The demonstration: four photographs, four scales, the predicted timestep beside the best one measured.

``python -m diffsr_toolkit.demo`` prints the comparison and writes images, figures and a report.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import math
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from diffsr_toolkit.errors import ImageError, ToolkitError
from diffsr_toolkit.pipeline import PAIR, DiffSR

if TYPE_CHECKING:
    import pandas as pd

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
SCALES = (1.6, 2.7, 4.0, 6.0)
SMALLEST_SIDE = 32
TITLE = "Diff-SR: the predicted injection timestep beside the best one measured"


class RememberingDiffSR(DiffSR):
    """Keeps what it restored, so that the figures after a sweep need no network evaluation again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known: dict[str, tuple[Tensor, int]] = {}

    def restore(self, lr: Tensor, size: tuple[int, int], t: float, **settings: Any) -> tuple[Tensor, int]:
        """As ``DiffSR.restore``; a repeated call without a callback is answered from memory."""
        call = inspect.signature(DiffSR.restore).bind(self, lr, size, t, **settings)
        call.apply_defaults()
        told = {
            name: value for name, value in call.arguments.items() if name not in ("self", "lr", "callback")
        }
        content = hashlib.sha256(lr.cpu().contiguous().numpy().tobytes()).hexdigest()
        key = repr((content, tuple(lr.shape), sorted(told.items())))
        if settings.get("callback") is not None or key not in self._known:
            self._known[key] = super().restore(lr, size, t, **settings)
        return self._known[key]


def photographs(names: Sequence[str], side: int) -> tuple[dict[str, Tensor], list[str]]:
    """Whole scikit-image photographs, reduced until the longer side has ``side`` pixels.

    Parameters
    ----------
    names : sequence of str
        Among ``PHOTOGRAPHS``.
    side : int
        Pixels; a photograph that is smaller stays as it is.

    Returns
    -------
    (dict of str to Tensor, list of str)
        ``(3, H, W)`` in [-1, 1] by name, and a sentence about each.

    Raises
    ------
    ImageError
        For an unknown or repeated name, or a side below 32 pixels.
    """
    import skimage.data

    from diffsr_toolkit.images import to_tensor
    from diffsr_toolkit.images import KERNEL, resize

    if side < SMALLEST_SIDE:
        raise ImageError(f"side={side} pixels leaves too little to see: give {SMALLEST_SIDE} or more")
    unknown = [name for name in names if name not in PHOTOGRAPHS]
    if unknown or not names:
        raise ImageError(
            f"photograph {(unknown or [''])[0]!r} is unknown: choose among {', '.join(PHOTOGRAPHS)}"
        )
    if len(set(names)) < len(names):
        raise ImageError(f"a photograph is named twice in {', '.join(names)}: name each once")
    tensors, notes = {}, []
    for name in names:
        whole, _ = to_tensor(getattr(skimage.data, name)())
        height, width = whole.shape[-2:]
        factor = min(1.0, side / max(height, width))
        size = (math.floor(height * factor + 0.5), math.floor(width * factor + 0.5))
        tensors[name] = resize(whole, size).clamp(-1, 1) if factor < 1 else whole
        done = f"reduced from {height} x {width} with {KERNEL}" if factor < 1 else "as it is"
        notes.append(f"{name}: whole photograph, {size[0]} x {size[1]} pixels, {done}")
    return tensors, notes


def run_demo(
    out: str | Path = "build/demo",
    *,
    images: Sequence[str] = PHOTOGRAPHS,
    side: int = 176,
    scales: Sequence[float] = SCALES,
    timesteps: str | Sequence[float] = "auto",
    seeds: Sequence[int] = (0,),
    steps: int = PAIR["steps"],
    samples: int = PAIR["samples"],
    eta: float = PAIR["eta"],
    consistency: bool = True,
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
    scales, timesteps, seeds, steps, samples, eta, consistency
        See ``DiffSR.sweep``.
    model : str
        See ``DiffSR.from_pretrained``.

    Returns
    -------
    pandas.DataFrame
        The sweep.

    Raises
    ------
    ToolkitError
        Bad settings, or files that cannot be written.
    """
    from diffsr_toolkit.reports import write_report
    from diffsr_toolkit.reports import comparison_text, summary_text
    from diffsr_toolkit.reports import verdicts

    start, out = time.perf_counter(), Path(out)
    tensors, notes = photographs(images, side)
    sr = RememberingDiffSR.from_pretrained(model)
    print(*notes, sep="\n", end="\n\n")
    settings: dict[str, Any] = {"steps": steps, "samples": samples, "eta": eta, "consistency": consistency}
    frame = sr.sweep(
        tensors, scales, timesteps, seeds=seeds, store=out / "store", progress=progress, **settings
    )
    print(comparison_text(frame), end="\n\n")
    print(
        "Prediction against measurement, over all scales (in brackets: 95 % bootstrap intervals over images):"
    )
    print(summary_text(frame, per_scale=False), end="\n\n")
    for verdict in verdicts(frame):
        print(textwrap.fill(f"{verdict.subject}: {verdict.text}", 110, subsequent_indent="  "))
    figures = _write_figures(sr, frame, tensors, scales, {"seed": seeds[0], **settings}, out)
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


def _write_figures(
    sr: DiffSR,
    frame: pd.DataFrame,
    tensors: dict[str, Tensor],
    scales: Sequence[float],
    settings: dict[str, Any],
    out: Path,
) -> dict[str, Path]:
    from diffsr_toolkit.reports import png_bytes, standard_figures, write_whole

    figures = {}
    for name, hr in tensors.items():
        for scale in scales:
            figure, caption = _comparison(sr, frame, name, hr, scale, settings, out / "images")
            figures[caption] = (f"comparison_{name}_x{scale:g}", figure)
    for name, hr in tensors.items():
        figure = _field(sr, hr, scales, settings["samples"])
        caption = (
            f"The predicted field of {name} at every scale: where the realism deficit and the signature loss are both "
            "small. Dashed: the predicted optimum."
        )
        figures[caption] = (f"field_{name}", figure)
    for number, (caption, figure) in enumerate(standard_figures(frame).items(), start=1):
        figures[caption] = (f"sweep_{number}", figure)
    paths = {}
    for caption, (stem, figure) in figures.items():
        paths[caption] = out / "figures" / f"{stem}.png"
        write_whole(paths[caption], png_bytes(figure))
    return paths


def _comparison(
    sr: DiffSR,
    frame: pd.DataFrame,
    name: str,
    hr: Tensor,
    scale: float,
    settings: dict[str, Any],
    folder: Path,
) -> tuple[Any, str]:
    from PIL import Image

    from diffsr_toolkit.images import save_image
    from diffsr_toolkit.metrics import evaluate
    from diffsr_toolkit.stats import optima
    from diffsr_toolkit.plots import plot_comparison, to_array
    from diffsr_toolkit.images import degrade, upsample

    table = (
        optima(frame).query("image == @name and scale_y == @scale and scale_x == @scale").set_index("metric")
    )
    point = table.loc["feature_distance"]
    size = (hr.shape[-2], hr.shape[-1])
    lr = degrade(hr, scale)
    shown = {"low resolution": lr, "bicubic": upsample(lr, size)}
    for which in ("pred", "best"):
        t = float(point[f"t_{which}"])
        label = f"Diff-SR, {'predicted' if which == 'pred' else 'best'} t = {t:.1f}"
        shown[label] = sr.restore(lr, size, t, **settings)[0]
    captions = {
        "low resolution": f"{lr.shape[-2]} x {lr.shape[-1]} pixels\n",
        "original": f"{size[0]} x {size[1]} pixels\n",
    }
    for label, restored in list(shown.items())[1:]:
        values = evaluate(restored, hr, lr, scale, metrics=["psnr_rgb", "feature_distance"])
        captions[label] = (
            f"PSNR {values['psnr_rgb']:.2f} dB\nfeature distance {values['feature_distance']:.3f}"
        )
    shown["original"] = hr
    folder.mkdir(parents=True, exist_ok=True)
    for label, stem in zip(shown, ("lr", "bicubic", "predicted_t", "best_t", "original"), strict=True):
        pixels = (to_array(shown[label]) * 255).round().astype("uint8")
        save_image(Image.fromarray(pixels), folder / f"{name}_x{scale:g}_{stem}.png")
    figure = plot_comparison(shown, captions, title=f"{name}, scale {scale:g}")
    caption = (
        f"{name} at scale {scale:g}, seed {settings['seed']}; below, the marked square enlarged. "
        "Best t by feature distance."
    )
    return figure, caption


def _field(sr: DiffSR, hr: Tensor, scales: Sequence[float], samples: int) -> Any:
    from matplotlib.figure import Figure

    from diffsr_toolkit.plots import plot_field, shared_legend
    from diffsr_toolkit.images import degrade

    columns = min(2, len(scales))
    rows = math.ceil(len(scales) / columns)
    figure = Figure(figsize=(5.6 * columns, 3.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(scales) :]:
        ax.set_axis_off()
    for ax, scale in zip(axes, scales, strict=False):
        lr = degrade(hr, scale)
        prediction = sr.predict(scale, lr, samples=samples)
        plot_field(ax, sr.schedule, prediction.prf, prediction, legend=False)
    shared_legend(figure)
    return figure


def integers(text: str) -> list[int]:
    """Comma-separated whole numbers."""
    return [int(part) for part in text.split(",")]


def numbers(text: str) -> list[float]:
    """Comma-separated numbers."""
    return [float(part) for part in text.split(",")]


def timesteps(text: str) -> str | list[float]:
    """Comma-separated numbers, or "auto"."""
    return text if text == "auto" else numbers(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m diffsr_toolkit.demo", description=__doc__)
    parser.add_argument("--out", default="build/demo", help="folder for everything written (%(default)s)")
    parser.add_argument("--images", default=",".join(PHOTOGRAPHS), help=f"among {', '.join(PHOTOGRAPHS)}")
    parser.add_argument("--side", type=int, default=176, help="longer side in pixels (%(default)s)")
    parser.add_argument("--scales", type=numbers, default=list(SCALES), help="comma-separated (1.6,2.7,4,6)")
    parser.add_argument(
        "--timesteps", type=timesteps, default="auto", help="comma-separated (around the prediction)"
    )
    parser.add_argument("--seeds", type=integers, default=[0], help="0,1,... (0)")
    parser.add_argument("--steps", type=int, default=PAIR["steps"], help="network evaluations (%(default)s)")
    parser.add_argument(
        "--samples", type=int, default=PAIR["samples"], help="restorations averaged (%(default)s)"
    )
    parser.add_argument("--eta", type=float, default=PAIR["eta"], help="0 is DDIM, 1 is DDPM (%(default)s)")
    parser.add_argument(
        "--consistency",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="back-project onto the input (on)",
    )
    parser.add_argument("--model", default="embedded", help="see diffsr models (%(default)s)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration; 0, or 2 after an error told in one line."""
    options = vars(_parser().parse_args(argv))
    options["images"] = [name.strip() for name in options["images"].split(",")]
    try:
        run_demo(options.pop("out"), **options)
    except ToolkitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
