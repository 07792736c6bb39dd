"""Run the oracle: ``python -m diffsr_toolkit.experiments.oracle --out data/gaussian_oracle.csv``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from diffsr_toolkit.experiments.oracle.comparison import compare
from diffsr_toolkit.files import write_whole


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the table and print the largest differences."""
    parser = argparse.ArgumentParser(prog="python -m diffsr_toolkit.experiments.oracle", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the .csv file to write")
    parser.add_argument("--fields", type=int, default=2048, help="periodic fields in a batch of each case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", type=float, default=0.0025, help="standard error to reach, relative")
    parser.add_argument("--most-batches", type=int, default=160)
    options = parser.parse_args(arguments)
    table = compare(
        fields=options.fields,
        seed=options.seed,
        precision=options.precision,
        most_batches=options.most_batches,
    )
    write_whole(options.out, table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode())
    table["kind"] = table.quantity.str.split(",").str[0]
    worst = table.assign(size=table.relative_difference.abs()).sort_values("size").groupby("kind").tail(1)
    shown = ["quantity", "operator", "lr_shape", "steps", "eta", "size", "deviation"]
    print(worst[shown].to_string(index=False))


if __name__ == "__main__":
    main()
