"""Measure how loose the bounds are, and what the reverse process restores of a patch, as two tables.

``python -m diffsr_toolkit.experiments.slack --out data/bound_slack.csv --restoration data/patch_restoration.csv``
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from diffsr_toolkit.experiments.slack.measure import patches, restoration_frame, slack_frame
from diffsr_toolkit.files import write_whole


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the tables.

    Raises
    ------
    OutputError
        If a table cannot be written.
    """
    parser = argparse.ArgumentParser(
        prog="python -m diffsr_toolkit.experiments.slack",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="CSV file of bound over truth")
    parser.add_argument("--restoration", type=Path, help="CSV file of what the reverse process restores")
    parser.add_argument("--patches", type=int, default=100, help="patches per photograph (default 100)")
    options = parser.parse_args(arguments)
    cut = patches(options.patches)
    tables = {options.out: slack_frame}
    if options.restoration:
        tables[options.restoration] = restoration_frame
    for path, build in tables.items():
        frame = build(cut)
        write_whole(path, frame.to_csv(index=False, lineterminator="\n").encode())
        print(f"{path}: {len(frame)} rows")


if __name__ == "__main__":
    main()
