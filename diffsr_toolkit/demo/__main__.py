"""The demonstration: four photographs, four scales, the predicted timestep beside the best one measured.

``python -m diffsr_toolkit.demo`` prints the comparison and writes images, figures and a report.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from diffsr_toolkit.datasets import BUNDLED
from diffsr_toolkit.demo.run import SCALES, run_demo
from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.settings import PAIR, SamplingSettings


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
    parser.add_argument("--images", default=",".join(BUNDLED), help=f"among {', '.join(BUNDLED)}")
    parser.add_argument("--side", type=int, default=176, help="longer side in pixels (%(default)s)")
    parser.add_argument("--scales", type=numbers, default=list(SCALES), help="comma-separated (1.6,2.7,4,6)")
    parser.add_argument(
        "--timesteps", type=timesteps, default="auto", help="comma-separated (around the prediction)"
    )
    parser.add_argument("--seeds", type=integers, default=[0], help="0,1,... (0)")
    parser.add_argument("--steps", type=int, default=PAIR.steps, help="network evaluations (%(default)s)")
    parser.add_argument(
        "--samples", type=int, default=PAIR.samples, help="restorations averaged (%(default)s)"
    )
    parser.add_argument("--eta", type=float, default=PAIR.eta, help="0 is DDIM, 1 is DDPM (%(default)s)")
    parser.add_argument(
        "--consistency",
        action=argparse.BooleanOptionalAction,
        default=PAIR.consistency,
        help="back-project onto the input (on)",
    )
    parser.add_argument("--model", default="embedded", help="see diffsr models (%(default)s)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration; 0, or 2 after an error told in one line."""
    options = _parser().parse_args(argv)
    try:
        run_demo(
            options.out,
            images=[name.strip() for name in options.images.split(",")],
            side=options.side,
            scales=options.scales,
            timesteps=options.timesteps,
            seeds=options.seeds,
            settings=SamplingSettings(
                steps=options.steps,
                eta=options.eta,
                samples=options.samples,
                consistency=options.consistency,
            ),
            model=options.model,
        )
    except ToolkitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
