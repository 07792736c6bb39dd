"""Measure a model's response on reference photographs, once, and store it beside its weights."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffsr_toolkit.pipeline import DEFAULT_STEPS, PAIR, DiffSR
from diffsr_toolkit.calibration.responses import RATIOS, SCALES, denoising, regeneration, response_of
from diffsr_toolkit.sweeps import Rows, Store
from diffsr_toolkit.calibration.constants import photograph

SAMPLERS: dict[str, dict[str, Any]] = {
    "single": {"steps": DEFAULT_STEPS, "samples": 1, "eta": 0.0, "consistency": True},
    "pair": {**PAIR, "consistency": True},
    "plain": {"steps": DEFAULT_STEPS, "samples": 1, "eta": 0.0, "consistency": False},
}
"""Settings whose response is stored: ``upscale``'s own, ``PAIR``, and plain Diff-SR."""


def measure(sr: DiffSR, paths: list[Path], side: int, store: Path) -> dict[str, Any]:
    """Responses of all samplers and the denoising curve; what a store already holds is not measured again."""
    kept = Store(store, {"model": sr.name, "weights": sr.weights_digest, "side": side})
    samplers = []
    for name, sampler in SAMPLERS.items():
        photographs: list[Rows] = []
        for path in paths:
            task = {"sampler": name, "photograph": path.name}
            rows = kept.load(task)
            if rows is None:
                rows = regeneration(sr, photograph(path, side), **sampler)
                kept.save(task, rows)
            photographs.append(rows)
        samplers.append(response_of(photographs, sr.name, sampler).to_dict())
    return {
        "provenance": {
            "photographs": sorted(path.name for path in paths),
            "longer_side": side,
            "scales": list(SCALES),
            "ratios": list(RATIOS),
            "seed": 0,
            "weights": sr.weights_digest,
        },
        "samplers": samplers,
        "denoising": denoising_curve([denoising(sr.denoiser, photograph(path, side)) for path in paths]),
    }


def denoising_curve(photographs: list[Rows]) -> dict[str, list[float]]:
    """Geometric mean efficiency by ``r = snr S``, in bins of a factor of four."""
    rows = [row for photograph in photographs for row in photograph]
    bins = np.rint(np.log([row["ratio"] for row in rows]) / np.log(4)).astype(int)
    efficiency = np.log([row["efficiency"] for row in rows])
    powers = [int(power) for power in np.unique(bins) if (bins == power).sum() >= len(photographs)]
    return {
        "ratios": [4.0**power for power in powers],
        "efficiency": [round(float(np.exp(efficiency[bins == power].mean())), 4) for power in powers],
    }


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--side", type=int, default=160, help="longer side of the reduced photographs")
    parser.add_argument("--store", type=Path, required=True, help="folder of the resumable measurement")
    parser.add_argument("--out", type=Path, required=True, help="response.json to write")
    args = parser.parse_args()
    # Half precision halves the time and moves no band by more than its fourth digit.
    sr = DiffSR.from_pretrained(args.model, dtype=torch.bfloat16)
    found = measure(sr, sorted(args.photos), args.side, args.store)
    args.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
