"""Measure the shipped pair on the shipped test pictures and write the two tables.

``python -m diffsr_toolkit.experiments.signature --store DIR --out data/signature.csv``
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from diffsr_toolkit.datasets import CLASSES, balanced_subset, shipped_test
from diffsr_toolkit.experiments.signature.measure import SignatureStudy, measure_signature
from diffsr_toolkit.experiments.signature.tables import collapse_table, signature_table
from diffsr_toolkit.experiments.signature.tasks import SCALES, TIMESTEPS, WAYS, signature_tasks
from diffsr_toolkit.files import write_whole
from diffsr_toolkit.models import load_classifier, load_model
from diffsr_toolkit.restoration import DiffusionRestorer

MODEL = "fashion"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the store lacks, write the tables and print them."""
    parser = argparse.ArgumentParser(
        prog="python -m diffsr_toolkit.experiments.signature",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=int, default=500, help="test pictures, balanced over the 10 classes")
    parser.add_argument("--store", type=Path, help="folder of the resumable measurement")
    parser.add_argument("--out", type=Path, help="table to write; NAME_collapse.csv goes beside NAME.csv")
    parser.add_argument("--scales", type=float, nargs="+", default=list(SCALES))
    parser.add_argument("--timesteps", type=float, nargs="+", default=list(TIMESTEPS))
    parser.add_argument("--ways", choices=list(WAYS), nargs="+", default=list(WAYS), help="of restoring")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--precision", choices=("float32", "bfloat16"), default="float32", help="of the network"
    )
    parser.add_argument("--threads", type=int, help="of this process; torch's default otherwise")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    pictures = balanced_subset(shipped_test(), options.images // len(CLASSES))
    model = load_model(MODEL, device="cpu", dtype=getattr(torch, options.precision))
    restorer = DiffusionRestorer(model.denoiser, model.schedule, name=MODEL)
    study = SignatureStudy(restorer, load_classifier(), pictures, options.seed)
    todo = list(signature_tasks([WAYS[name] for name in options.ways], options.scales, options.timesteps))
    measured = measure_signature(study, todo, options.store, lambda line: print(line, flush=True))
    frames = {"": signature_table(study, measured), "_collapse": collapse_table(study, measured)}
    for suffix, frame in frames.items():
        print(frame.to_string(index=False))
        if options.out is not None:
            path = options.out.with_name(f"{options.out.stem}{suffix}.csv")
            write_whole(path, frame.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode())


if __name__ == "__main__":
    main()
