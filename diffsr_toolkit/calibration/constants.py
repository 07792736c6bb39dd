"""Fix the theory's one constant ``c`` per metric, once, on calibration photographs at one scale."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from diffsr_toolkit.images import load_image, to_tensor
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.pipeline import DEFAULT_STEPS, PAIR, DiffSR
from diffsr_toolkit.prediction import image_spectrum
from diffsr_toolkit.images import degrade
from diffsr_toolkit.training import reduced
from theory.prf import missing_deficit
from theory.spectra import PowerLaw, fit_power_law

SCALE = 4.0
SINGLE: dict[str, Any] = {"steps": DEFAULT_STEPS, "samples": 1, "eta": 0.0}
SHARE_METRICS = ("psnr_rgb", "ssim", "feature_distance")
CANDIDATES = tuple(2.0**power for power in range(-5, 10))


def spectrum_summary(laws: list[PowerLaw]) -> dict[str, float]:
    """Mean power law of several photographs (geometric in amplitude) and its spread between them."""
    log_amplitude = np.log([law.amplitude for law in laws])
    exponent = np.array([law.exponent for law in laws])
    return {
        "amplitude": float(np.exp(log_amplitude.mean())),
        "exponent": float(exponent.mean()),
        "amplitude_log_std": float(log_amplitude.std(ddof=1)),
        "exponent_std": float(exponent.std(ddof=1)),
        # Where level and slope are uncorrelated between the photographs.
        "pivot": float(np.exp(np.cov(log_amplitude, exponent)[0, 1] / exponent.var(ddof=1))),
    }


def mean_curves(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over images of each metric's difference to bicubic, signed so that more is better.

    Returns
    -------
    DataFrame
        Index ``c``, one column a metric.
    """
    bicubic = frame[frame.method == "bicubic"].set_index(["image", "metric"]).value
    ours = frame[frame.method == "diffsr"].copy()
    base = bicubic.loc[list(zip(ours.image, ours.metric, strict=True))].to_numpy()
    sign = ours.metric.map(lambda name: 1.0 if METRICS[name].higher_is_better else -1.0)
    ours["gain"] = sign * (ours.value - base)
    return ours.pivot_table(index="c", columns="metric", values="gain", aggfunc="mean")


def optimum(curve: pd.Series) -> dict[str, Any]:
    """Best ``c`` of a mean curve: the parabola in log ``c`` through the best point and its neighbours."""
    x, y = np.log(curve.index.to_numpy()), curve.to_numpy()
    best = int(np.argmax(y))
    at_edge = best in (0, len(y) - 1)
    if at_edge:
        return {"c": float(np.exp(x[best])), "gain": float(y[best]), "at_edge": True}
    a, b, _ = np.polyfit(x[best - 1 : best + 2], y[best - 1 : best + 2], 2)
    return {"c": float(np.exp(-b / (2 * a))), "gain": float(y[best]), "at_edge": False}


def sweep_candidates(
    sr: DiffSR, paths: list[Path], side: int, seeds: list[int], store: Path, sampler: dict[str, Any]
) -> pd.DataFrame:
    """Sweep the candidates over the photographs: rows with their ``c`` and the photograph's power at the cut-off.

    A candidate beyond the schedule's ends is measured there, as a prediction would be clipped.
    """
    frames = []
    ends = sr.schedule.snr(sr.schedule.t_max), sr.schedule.snr(sr.schedule.t_min)
    for path in paths:
        hr = photograph(path, side)
        cutoff = float(image_spectrum(degrade(hr, SCALE), (SCALE, SCALE))(1 / (2 * SCALE)))
        t_of = {c: float(sr.schedule.t_of_snr(float(np.clip(c / cutoff, *ends)))) for c in CANDIDATES}
        frame = sr.sweep(
            {path.stem: hr},
            [SCALE],
            sorted(set(t_of.values())),
            seeds=seeds,
            store=store / f"{path.stem}-{sampler['samples']}x{sampler['steps']}",
            **sampler,
        )
        ours = frame[frame.method == "diffsr"]
        frames += [
            part.assign(cutoff_psd=cutoff)
            for part in (
                frame[frame.method != "diffsr"],
                *(ours[ours.t == t].assign(c=c) for c, t in t_of.items()),
            )
        ]
    return pd.concat(frames, ignore_index=True)


def image_share(frames: list[pd.DataFrame], resamples: int = 500) -> dict[str, float]:
    """How far a photograph's best noise level follows its own power at the cut-off: 1 as the theory says, 0 not at all.

    Slope of the best log-SNR on ``-log S(f_c)`` over the photographs, one for each sampler and metric, weighted by
    precision, in [0, 1].

    Parameters
    ----------
    frames : list of DataFrame
        `sweep_candidates` of each sampler.
    resamples : int
        Of the bootstrap over photographs, which all samplers and metrics share.

    Returns
    -------
    dict
        ``share``; its bootstrap ``std``; ``at_edge``, how many of the optima are the first or last candidate.
    """
    optima = pd.DataFrame(
        [
            {
                "sampler": number,
                "metric": metric,
                "image": image,
                "power": -np.log(rows.cutoff_psd.iloc[0]),
                "log_snr": best_log_snr(rows, str(metric)),
                "lowest": np.log(rows.snr.min()),
                "highest": np.log(rows.snr.max()),
            }
            for number, frame in enumerate(frames)
            for (metric, image), rows in frame[
                (frame.method == "diffsr") & frame.metric.isin(SHARE_METRICS)
            ].groupby(["metric", "image"])
        ]
    )
    by_image = [rows for _, rows in optima.groupby("image")]
    rng = np.random.default_rng(0)
    drawn = [
        _mean_slope(pd.concat([by_image[index] for index in rng.integers(len(by_image), size=len(by_image))]))
        for _ in range(resamples)
    ]
    return {
        "share": round(float(np.clip(_mean_slope(optima), 0, 1)), 3),
        "std": round(float(np.std(drawn, ddof=1)), 3),
        "at_edge": int(((optima.log_snr == optima.lowest) | (optima.log_snr == optima.highest)).sum()),
    }


def _mean_slope(optima: pd.DataFrame) -> float:
    slopes, precisions = [], []
    for _, rows in optima.groupby(["sampler", "metric"]):
        (slope, _), covariance = np.polyfit(rows.power, rows.log_snr, 1, cov=True)
        slopes.append(slope)
        precisions.append(1 / covariance[0, 0])
    return float(np.average(slopes, weights=precisions))


def best_log_snr(rows: pd.DataFrame, metric: str) -> float:
    """Best log-SNR of one photograph: the parabola through the best candidate and its neighbours."""
    values = rows.groupby("snr")["value"].mean()
    x = np.log(values.index.to_numpy())
    y = values.to_numpy() if METRICS[metric].higher_is_better else -values.to_numpy()
    best = int(np.argmax(y))
    if best in (0, len(y) - 1):
        return float(x[best])
    a, b, _ = np.polyfit(x[best - 1 : best + 2], y[best - 1 : best + 2], 2)
    return float(-b / (2 * a))


def photograph(path: Path, side: int) -> Tensor:
    """A reduced whole photograph, ``(3, H, W)`` in [-1, 1]."""
    return to_tensor(reduced(load_image(path), side))[0]


def calibrate(sr: DiffSR, paths: list[Path], side: int, seeds: list[int], store: Path) -> dict[str, Any]:
    """Constants for a single restoration and for an antithetic pair of equal cost, and the mean spectrum."""
    frames = [sweep_candidates(sr, paths, side, seeds, store, sampler) for sampler in (SINGLE, PAIR)]
    single, pair = (mean_curves(frame) for frame in frames)
    best = {name: optimum(single[name]) for name in single.columns}
    laws = [fit_power_law(photograph(path, side).numpy()) for path in paths]
    return {
        "provenance": {
            "photographs": sorted(path.name for path in paths),
            "scale": SCALE,
            "longer_side": side,
            "metrics": SINGLE,
            "metrics_averaged": PAIR,
            "seeds": seeds,
            "model": sr.name,
            "rule": "largest mean gain over bicubic; parabola in log c through the best candidates",
        },
        "metrics": best,
        "metrics_averaged": {name: optimum(pair[name]) for name in pair.columns},
        "gain_over_bicubic": by_candidate(single),
        "gain_over_bicubic_averaged": by_candidate(pair),
        "eps_realism": realism_tolerance(best["feature_distance"]["c"]),
        "reference_spectrum": spectrum_summary(laws),
        "image_share": image_share(frames),
    }


def realism_tolerance(c: float) -> float:
    """Realism deficit that the measured optimum of a single restoration lives with, to the next tenth.

    The field's lower end rests on this tolerance; a smaller one would put the measured optimum outside.
    """
    return float(np.ceil(10 * missing_deficit(c)) / 10)


def by_candidate(table: pd.DataFrame) -> dict[str, Any]:
    """The mean curves as plain numbers for the file."""
    return {f"{c:g}": row.round(5).to_dict() for c, row in table.iterrows()}


def main() -> None:
    """Run the calibration from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--store", type=Path, required=True, help="folder of the resumable sweep")
    parser.add_argument("--out", type=Path, required=True, help="calibration.json to write")
    parser.add_argument(
        "--precision", choices=("float32", "bfloat16"), default="float32", help="of the network"
    )
    args = parser.parse_args()
    sr = DiffSR.from_pretrained(args.model, dtype=getattr(torch, args.precision))
    result = calibrate(sr, args.photos, args.side, args.seeds, args.store)
    result["provenance"]["precision"] = args.precision
    args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
