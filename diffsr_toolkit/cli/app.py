"""The command ``diffsr``: upscale, predict, sweep, report, models, calibrate.

Numbers are taken exactly as given and printed back in full. What cannot be done is refused in one line on
standard error, with exit code 2 and nothing written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from diffsr_toolkit import __version__
from diffsr_toolkit.cli import arguments, commands
from diffsr_toolkit.errors import ToolkitError


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
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], None], summary: str
    ) -> argparse.ArgumentParser:
        added = subparsers.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    upscale = command("upscale", commands.upscale, "super-resolve one image file")
    upscale.add_argument("input", metavar="IN", help="low-resolution image")
    upscale.add_argument("output", metavar="OUT", help="file to write; its extension chooses the format")
    wanted = upscale.add_mutually_exclusive_group(required=True)
    wanted.add_argument(
        "--scale", type=arguments.scale, metavar="S|SY,SX", help="any real number from 1, or two"
    )
    wanted.add_argument(
        "--size", type=arguments.size, metavar="HxW", help="output height and width in pixels"
    )
    upscale.add_argument(
        "--t",
        type=arguments.timestep,
        default="prf",
        metavar="prf|NUMBER",
        help="injection timestep (default: predicted)",
    )
    upscale.add_argument("--seed", type=int, default=0, help="default: 0")
    _add_sampling(upscale)

    predict = command("predict", commands.predict, "predict the injection timestep, by theory alone")
    predict.add_argument(
        "image", nargs="?", metavar="IMAGE", help="low-resolution image (default: reference spectrum)"
    )
    predict.add_argument("--scale", type=arguments.scale, required=True, metavar="S|SY,SX", help="from 1")
    predict.add_argument("--json", action="store_true", help="print one JSON object")
    predict.add_argument(
        "--level", help="closed_form, spectral or model_aware; by default the best that answers"
    )
    predict.add_argument("--metric", default="feature_distance", help="metric whose optimum is predicted")
    predict.add_argument(
        "--degradation",
        default="bicubic",
        metavar="bicubic|auto|blur=S,noise=S,jpeg=Q",
        help="what happened to the image (default: bicubic); auto tells it from the image",
    )
    _add_sampling(predict)

    sweep = command("sweep", commands.sweep, "measure where the injection timestep is really best")
    sweep.add_argument("images", nargs="+", metavar="IMAGE", help="high-resolution images")
    sweep.add_argument(
        "--scales", type=arguments.numbers, required=True, metavar="S,S,...", help="each from 1"
    )
    sweep.add_argument(
        "--store", required=True, metavar="DIR", help="keeps finished tasks; a rerun continues"
    )
    sweep.add_argument("--timesteps", type=arguments.timesteps, default="auto", metavar="auto|T,T,...")
    sweep.add_argument("--metrics", type=arguments.names, metavar="NAME,...", help="default: all")
    sweep.add_argument("--seeds", type=arguments.integers, default=[0], metavar="N,N,...", help="default: 0")
    _add_sampling(sweep)

    report = command("report", commands.report, "tables and plots of a sweep's folder")
    report.add_argument("folder", metavar="DIR", help="folder that a sweep wrote")

    command("models", commands.models, "list the models that need no download")

    calibrate = command(
        "calibrate", commands.calibrate, "measure a model and write the card that predictions use"
    )
    calibrate.add_argument("model", metavar="MODEL", help="shipped model, diffusers folder or hub id")
    calibrate.add_argument("images", nargs="+", metavar="IMAGE", help="originals of the kind that it is for")
    calibrate.add_argument(
        "--out",
        metavar="FILE",
        help="card.json to write (default: in a local model's folder, else ./card.json)",
    )
    calibrate.add_argument(
        "--store", metavar="DIR", help="keeps what is measured; a rerun continues (default: nothing is kept)"
    )
    calibrate.add_argument("--side", type=int, default=160, help="longer side, in pixels (default: 160)")
    calibrate.add_argument(
        "--seeds", type=arguments.integers, default=[0], metavar="N,N,...", help="default: 0"
    )
    calibrate.add_argument(
        "--precision", choices=("float32", "bfloat16"), default="float32", help="of the network"
    )
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default="embedded", metavar="ID", help="embedded (default), diffusers folder or hub id"
    )


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--steps", type=int, default=10, help="network evaluations (default: 10)")
    parser.add_argument("--eta", type=float, default=0.0, help="0 is DDIM (default), 1 is DDPM")
    parser.add_argument("--spacing", default="log_snr", help="log_snr (default) or timestep")
    parser.add_argument("--samples", type=int, default=1, help="restorations that are averaged (default: 1)")
    parser.add_argument(
        "--consistency",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep to the low-resolution image at every step (default); without it, plain Diff-SR",
    )
    _add_model(parser)
