"""``python -m diffsr_toolkit.calibration``: what belongs to no model; ``diffsr calibrate`` makes a model's card."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from diffsr_toolkit.calibration import measure_sensitivity
from diffsr_toolkit.files import write_json


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m diffsr_toolkit.calibration")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    summary = "what each metric charges for losing an octave of a photograph"
    sensitivity = commands.add_parser("sensitivity", help=summary, description=summary)
    sensitivity.add_argument("photographs", type=Path, nargs="+")
    sensitivity.add_argument("--side", type=int, default=160, help="longer side of the reduced photographs")
    sensitivity.add_argument("--out", type=Path, required=True, help="sensitivity.json to write")
    args = parser.parse_args(argv)
    write_json(args.out, measure_sensitivity(args.photographs, args.side))


if __name__ == "__main__":
    main()
