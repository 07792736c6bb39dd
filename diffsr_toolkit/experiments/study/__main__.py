"""Run the validation study: ``python -m diffsr_toolkit.experiments.study PHOTOS --seeds 0 1 --store DIR --out DIR``.

The measurements that ``--out`` already holds are kept and not repeated. Without photographs nothing is measured:
the tables are made again from them, which takes no network. With ``--respond`` the photographs are reference ones,
on which only what the arms' own denoisers give back is measured, for their model-aware predictions.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from diffsr_toolkit.experiments.study.analysis import analyse
from diffsr_toolkit.experiments.study.arms import ARMS, EMBEDDED
from diffsr_toolkit.experiments.study.measurements import measure_curves, told_spectra
from diffsr_toolkit.experiments.study.responses import write_responses
from diffsr_toolkit.experiments.study.tables import RESPONSES, file_name, load, save
from theory.scale import as_scale


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, then write the tables (``study.COLUMNS``) and print the summary."""
    parser = argparse.ArgumentParser(
        prog="python -m diffsr_toolkit.experiments.study",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", type=Path, nargs="*", help="photographs that no calibration saw")
    parser.add_argument("--respond", action="store_true", help=f"write {RESPONSES} instead of the tables")
    parser.add_argument(
        "--arms", nargs="+", choices=list(ARMS), help="what to measure (default: all that need it)"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--store", type=Path, default=Path("runs/study"), help="folder of resumable sweeps")
    parser.add_argument("--out", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    options = parser.parse_args(arguments)
    photos = sorted(options.photos)
    if options.respond:
        names = options.arms or [name for name, arm in ARMS.items() if arm.denoiser != EMBEDDED]
        write_responses(options.out / RESPONSES, [ARMS[name] for name in names], photos, options.store)
        return
    if photos:
        known = {
            name: load(name, options.out) if (options.out / file_name(name)).exists() else None
            for name in ("curves", "spectra")
        }
        curves = known["curves"]
        for name in options.arms or ARMS:
            arm = ARMS[name]
            curves = measure_curves(
                arm, arm.build(), photos, options.store, options.seeds, curves, progress=not options.quiet
            )
            save("curves", curves, options.out)
        scales = {as_scale(scale): None for arm in ARMS.values() for scale in arm.scales}
        save("spectra", told_spectra(photos, list(scales), known["spectra"]), options.out)
    # As read back, so that a later analysis of the files gives the same tables.
    tables = analyse(load("curves", options.out), load("spectra", options.out), ARMS)
    for name, table in tables.items():
        save(name, table, options.out)
    with pd.option_context("display.width", 200, "display.max_columns", None, "display.max_rows", None):
        print(tables["summary"].to_string(index=False))


if __name__ == "__main__":
    main()
