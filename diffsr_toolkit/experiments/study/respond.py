"""Measure the responses of the study's other denoisers, on reference photographs, for their model-aware predictions."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from diffsr_toolkit.images import Scale
from diffsr_toolkit.calibration import regeneration, response_of
from diffsr_toolkit.sweeps import Rows, Store
from diffsr_toolkit.experiments.study.arms import ARMS, SIDE
from diffsr_toolkit.calibration import photograph

SCALES: tuple[Scale, ...] = (1.6, 2.7, 4.0, 6.0)
RATIOS = tuple(4.0**power for power in range(-2, 5))


def main() -> None:
    """Measure from the command line; the folder of the store makes it resumable."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+", help="reference photographs, not those of the study")
    parser.add_argument("--arms", nargs="+", default=["ffdnet", "wiener", "mixture"], choices=list(ARMS))
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="responses.json; other arms in it stay")
    args = parser.parse_args()
    found = json.loads(args.out.read_text()) if args.out.exists() else {}
    for name in args.arms:
        arm = ARMS[name]
        sr = arm.build()
        kept = Store(args.store / name, {"model": sr.name, "weights": sr.weights_digest, "side": SIDE})
        photographs: list[Rows] = []
        for path in sorted(args.photos):
            task = {"arm": name, "photograph": path.name}
            rows = kept.load(task)
            if rows is None:
                rows = regeneration(sr, photograph(path, SIDE), SCALES, RATIOS, **arm.sampler)
                kept.save(task, rows)
            photographs.append(rows)
        sampler = {"consistency": True, **arm.sampler}
        found[name] = response_of(photographs, sr.name, sampler).to_dict()
    args.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
