"""The command ``diffsr``: upscale, predict, sweep, report, models.

Numbers are taken exactly as given and printed back in full. What cannot be done is refused in one line on
standard error, with exit code 2 and nothing written.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from diffsr_toolkit import __version__
from diffsr_toolkit.errors import StoreError, ToolkitError

_PREDICTED = ("t_low", "t_opt", "t_high", "snr_low", "snr_opt", "snr_high", "critical_scale", "is_open")


class _Parser(argparse.ArgumentParser):
    """Refuses with one line, like everything else, instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        raise ToolkitError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0, 2 after a refusal, 130 after an interruption.
    """
    try:
        args = _parser().parse_args(argv)
        args.run(args)
    except ToolkitError as error:
        print("diffsr: error:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("diffsr: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="diffsr",
        description="Super-resolution at any scale with pretrained diffusion models, and the noise it needs.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"diffsr {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], None], summary: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    upscale = command("upscale", _upscale, "super-resolve one image file")
    upscale.add_argument("input", metavar="IN", help="low-resolution image")
    upscale.add_argument("output", metavar="OUT", help="file to write; its extension chooses the format")
    wanted = upscale.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--scale", type=_scale, metavar="S|SY,SX", help="any real number from 1, or two")
    wanted.add_argument("--size", type=_size, metavar="HxW", help="output height and width in pixels")
    upscale.add_argument(
        "--t",
        type=_timestep,
        default="prf",
        metavar="prf|NUMBER",
        help="injection timestep (default: predicted)",
    )
    upscale.add_argument("--seed", type=int, default=0, help="default: 0")
    _add_sampling(upscale)

    predict = command("predict", _predict, "predict the injection timestep, by theory alone")
    predict.add_argument(
        "image", nargs="?", metavar="IMAGE", help="low-resolution image (default: reference spectrum)"
    )
    predict.add_argument("--scale", type=_scale, required=True, metavar="S|SY,SX", help="from 1")
    predict.add_argument("--json", action="store_true", help="print one JSON object")
    predict.add_argument(
        "--level", help="closed_form, spectral or model_aware; by default the best that answers"
    )
    predict.add_argument("--metric", default="feature_distance", help="metric whose optimum is predicted")
    predict.add_argument("--samples", type=int, default=1, help="restorations to be averaged (default: 1)")
    predict.add_argument(
        "--degradation",
        default="bicubic",
        metavar="bicubic|auto|blur=S,noise=S,jpeg=Q",
        help="what happened to the image (default: bicubic); auto tells it from the image",
    )
    _add_model(predict)

    sweep = command("sweep", _sweep, "measure where the injection timestep is really best")
    sweep.add_argument("images", nargs="+", metavar="IMAGE", help="high-resolution images")
    sweep.add_argument("--scales", type=_numbers, required=True, metavar="S,S,...", help="each from 1")
    sweep.add_argument(
        "--store", required=True, metavar="DIR", help="keeps finished tasks; a rerun continues"
    )
    sweep.add_argument("--timesteps", type=_timesteps, default="auto", metavar="auto|T,T,...")
    sweep.add_argument("--metrics", type=_names, metavar="NAME,...", help="default: all")
    sweep.add_argument("--seeds", type=_integers, default=[0], metavar="N,N,...", help="default: 0")
    _add_sampling(sweep)

    report = command("report", _report, "tables and plots of a sweep's folder")
    report.add_argument("folder", metavar="DIR", help="folder that a sweep wrote")

    command("models", _models, "list the models that need no download")
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default="embedded", metavar="ID", help="embedded (default), diffusers folder or hub id"
    )


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--steps", type=int, default=10, help="network evaluations (default: 10)")
    parser.add_argument("--eta", type=float, default=0.0, help="0 is DDIM (default), 1 is DDPM")
    parser.add_argument("--samples", type=int, default=1, help="restorations that are averaged (default: 1)")
    parser.add_argument(
        "--consistency",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep to the low-resolution image at every step (default); without it, plain Diff-SR",
    )
    _add_model(parser)


def _sampling(args: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(args, name) for name in ("steps", "eta", "samples", "consistency")}


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number or a list such as 1.6,2.7,4") from None


def _integers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers such as 0,1") from None


def _names(text: str) -> list[str]:
    return text.split(",")


def _scale(text: str) -> float | tuple[float, ...]:
    factors = _numbers(text)
    return factors[0] if len(factors) == 1 else tuple(factors)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,18})x([0-9]{1,18})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a height and a width such as 480x640")
    return int(match[1]), int(match[2])


def _timestep(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _timesteps(text: str) -> list[float] | str:
    return text if text == "auto" else _numbers(text)


def _upscale(args: argparse.Namespace) -> None:
    from diffsr_toolkit.images import check_output, load_image, save_image
    from diffsr_toolkit.pipeline import DiffSR
    from diffsr_toolkit.images import output_size

    image = load_image(args.input)
    size = output_size((image.height, image.width), args.scale, args.size)
    check_output(args.output, image, size)
    sr = DiffSR.from_pretrained(args.model)
    result = sr.upscale(image, args.scale, size=args.size, t=args.t, seed=args.seed, **_sampling(args))
    save_image(result.image, args.output)
    if result.prediction is not None:
        print(result.prediction.explanation)
    print(f"t={result.t!r} sigma={result.sigma!r} snr={result.snr!r} nfe={result.nfe} eta={args.eta!r}")
    print(f"{args.output}: {size[0]}x{size[1]} pixels, scale {result.scale[0]!r},{result.scale[1]!r}")


def _predict(args: argparse.Namespace) -> None:
    from diffsr_toolkit.images import parse_degradation
    from diffsr_toolkit.images import load_image
    from diffsr_toolkit.pipeline import DiffSR
    from diffsr_toolkit.images import as_scale

    as_scale(args.scale)
    degradation = parse_degradation(args.degradation)
    image = None if args.image is None else load_image(args.image)
    sr = DiffSR.from_pretrained(args.model)
    prediction = sr.predict(
        args.scale, image, degradation, level=args.level, metric=args.metric, samples=args.samples
    )
    if args.json:
        fields: dict[str, Any] = {name: _strict(getattr(prediction, name)) for name in _PREDICTED}
        fields |= {
            "t_opt_interval": [_strict(t) for t in prediction.t_opt_interval],
            "scale": [float(factor) for factor in prediction.scale],
            "level": prediction.level,
            "metric": prediction.metric,
            "model": args.model,
            "explanation": prediction.explanation,
        }
        print(json.dumps(fields, allow_nan=False))
        return
    print(prediction.explanation)
    for name in _PREDICTED:
        print(f"{name}={getattr(prediction, name)!r}")
    print("t_opt_interval=" + ",".join(map(repr, prediction.t_opt_interval)))


def _strict(value: Any) -> bool | float | None:
    """What strict JSON can say: it has no nan and no infinity."""
    if isinstance(value, bool):
        return value
    return float(value) if value is not None and math.isfinite(value) else None


def _sweep(args: argparse.Namespace) -> None:
    from diffsr_toolkit.pipeline import DiffSR
    from diffsr_toolkit.images import as_scale
    from diffsr_toolkit.sweeps import named_images

    for scale in args.scales:
        as_scale(scale)
    images = {image.name: image.hr for image in named_images(args.images)}
    sr = DiffSR.from_pretrained(args.model)
    frame = sr.sweep(
        images, args.scales, args.timesteps, args.metrics, args.seeds, args.store, **_sampling(args)
    )
    print(f"{len(frame)} rows in {args.store}; next: diffsr report {args.store}")


def _report(args: argparse.Namespace) -> None:
    from pathlib import Path

    from diffsr_toolkit.sweeps import read_store

    protocol, rows = read_store(args.folder)
    if not rows:
        raise StoreError(f"store {args.folder} holds no finished task: run the sweep again")
    import pandas as pd

    from diffsr_toolkit.reports import write_report

    folder = Path(args.folder)
    print(write_report(pd.DataFrame(rows), folder, f"Sweep {folder.resolve().name}", protocol=protocol))


def _models(args: argparse.Namespace) -> None:
    from diffsr_toolkit.models import available_models

    for name, description in available_models().items():
        print(f"{name}: {description}")
