"""Run the validation study, or only its analysis: ``python -m diffsr_toolkit.study PHOTOS --store DIR --out DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from diffsr_toolkit.metrics import METRICS as KNOWN
from diffsr_toolkit.optimum import baseline_value, curve
from diffsr_toolkit.pipeline import DiffSR
from diffsr_toolkit.resize import as_scale, degrade
from diffsr_toolkit.study.arms import ARMS, METRICS, SIDE, Arm
from diffsr_toolkit.study.curves import Curve
from diffsr_toolkit.study.predictors import FIXED, HUNDREDS, LEVELS, Case, choose_all
from diffsr_toolkit.study.summary import differences, summarise
from diffsr_toolkit.study.tables import file_name
from diffsr_toolkit.training.calibrate import photograph

PAIRS = [
    *((f"{level}, pooled", other) for level in ("closed_form", "model_aware") for other in (HUNDREDS, FIXED)),
    *(("model_aware, per scale", other) for other in (HUNDREDS, FIXED)),
    *((f"{level}, {own}", f"{level}, per scale") for level in LEVELS for own in ("per image", "pooled")),
    ("spectral, pooled", "closed_form, pooled"),
    ("model_aware, pooled", "closed_form, pooled"),
    ("model_aware, per scale", "closed_form, per scale"),
]
"""Questions of the study: are the paper's grid and one fixed timestep beaten; do the image and the level pay."""


def measure(
    arm: Arm, sr: DiffSR, paths: list[Path], store: Path, seeds: list[int], progress: bool
) -> list[Case]:
    """Sweep an arm over its photographs; what the store holds is not measured again."""
    cases = []
    for path in paths[: arm.photographs]:
        hr = photograph(path, SIDE)
        frame = sr.sweep(
            {path.stem: hr},
            arm.scales,
            arm.own_timesteps(),
            metrics=METRICS,
            seeds=seeds,
            store=store / arm.name,
            progress=progress,
            **arm.sampler,
        )
        for scale in map(as_scale, arm.scales):
            for metric in METRICS:
                means = curve(frame, path.stem, scale, metric).groupby("t")["value"].mean()
                measured = Curve(
                    sr.schedule,
                    means.index.to_numpy(),
                    means.to_numpy(),
                    KNOWN[metric].higher_is_better,
                    baseline_value(frame, path.stem, scale, metric),
                )
                cases.append(Case(path.stem, scale, metric, degrade(hr, scale), measured))
    return cases


def curve_rows(cases: list[Case]) -> pd.DataFrame:
    """What was measured, before any prediction: one row a case and timestep, with bicubic's value beside it."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "image": case.image,
                    "scale_y": case.scale[0],
                    "scale_x": case.scale[1],
                    "metric": case.metric,
                    "t": case.curve.t,
                    "value": case.curve.values,
                    "value_bicubic": case.curve.bicubic,
                }
            )
            for case in cases
        ],
        ignore_index=True,
    )


def main() -> None:
    """Measure the arms, then write curves.csv.gz, cases.csv.gz, summary.csv, per_scale.csv and differences.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+", help="photographs that no calibration saw")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--store", type=Path, required=True, help="folder of the resumable sweeps")
    parser.add_argument("--out", type=Path, help="folder for the tables; without it only the store is filled")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    args = parser.parse_args()
    tables, curves = [], []
    for name in args.arms:
        arm = ARMS[name]
        sr = arm.build()
        cases = measure(arm, sr, sorted(args.photos), args.store, args.seeds, not args.quiet)
        if args.out is not None:
            curves.append(curve_rows(cases).assign(arm=name))
            tables.append(choose_all(sr, cases, arm.sampler["samples"]).assign(arm=name))
    if args.out is None:
        return
    args.out.mkdir(parents=True, exist_ok=True)
    table = pd.concat(tables, ignore_index=True)
    for file, content in {
        "curves": pd.concat(curves, ignore_index=True),
        "cases": table,
        "summary": summarise(table),
        "per_scale": summarise(table, per_scale=True),
        "differences": differences(table, PAIRS),
    }.items():
        path = args.out / file_name(file)
        # No time stamp, so that equal results are equal files.
        packing = {"method": "gzip", "mtime": 0} if path.suffix == ".gz" else None
        content.to_csv(path, index=False, float_format="%.5g", compression=packing)
    print(summarise(table).to_string(index=False))


if __name__ == "__main__":
    main()
