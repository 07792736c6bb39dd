"""Run the validation study: ``python -m diffsr_toolkit.experiments.study PHOTOS --seeds 0 1 --store DIR --out DIR``.

The measurements that ``--out`` already holds are kept and not repeated. Without photographs nothing is measured:
the tables are made again from them, which takes no network.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from diffsr_toolkit.images import as_scale
from diffsr_toolkit.experiments.study.analysis import analyse
from diffsr_toolkit.experiments.study.arms import ARMS
from diffsr_toolkit.experiments.study.measurements import measure, told_spectra
from diffsr_toolkit.experiments.study.tables import file_name, load, save


def main() -> None:
    """Measure what is missing, then write the tables (``study.tables.COLUMNS``) and print the summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="*", help="photographs that no calibration saw")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS), help="what to measure")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--store", type=Path, default=Path("runs/study"), help="folder of resumable sweeps")
    parser.add_argument("--out", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    args = parser.parse_args()
    photos = sorted(args.photos)
    if photos:
        known = {
            name: load(name, args.out) if (args.out / file_name(name)).exists() else None
            for name in ("curves", "spectra")
        }
        curves = known["curves"]
        for name in args.arms:
            arm = ARMS[name]
            curves = measure(
                arm, arm.build(), photos, args.store, args.seeds, curves, progress=not args.quiet
            )
            save("curves", curves, args.out)
        scales = {as_scale(scale): None for arm in ARMS.values() for scale in arm.scales}
        save("spectra", told_spectra(photos, list(scales), known["spectra"]), args.out)
    # As read back, so that a later analysis of the files gives the same tables.
    tables = analyse(load("curves", args.out), load("spectra", args.out), ARMS)
    for name, table in tables.items():
        save(name, table, args.out)
    with pd.option_context("display.width", 200, "display.max_columns", None, "display.max_rows", None):
        print(tables["summary"].to_string(index=False))


if __name__ == "__main__":
    main()
