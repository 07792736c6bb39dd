"""What the public surface answers, recorded and compared bit for bit: run it before and after a change of structure.

``python tests/compare_results.py record FILE [PARTS]``, later ``python tests/compare_results.py compare FILE [PARTS]``,
on one machine with ``OMP_NUM_THREADS=1``; parts are upscale, predict, sweep (by default these) and study (minutes).
"""

from __future__ import annotations

import hashlib
import itertools
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data

from diffsr_toolkit import PAIR, DiffSR, ToolkitError
from diffsr_toolkit.experiments.study import analyse, load
from theory import Degradation

Answers = Iterator[tuple[str, Any]]

TOLD = (
    "t_low", "t_opt", "t_high", "snr_low", "snr_opt", "snr_high", "critical_scale", "t_opt_interval", "level",
    "metric", "clipped", "note", "explanation",
)  # fmt: skip


def upscale() -> Answers:
    photo = skimage.data.astronaut()[60:108, 190:246]
    gray = skimage.data.camera()[100:128, 200:228]
    cases: dict[str, tuple[str, np.ndarray, dict[str, Any]]] = {
        "default": ("embedded", photo, {"scale": 2.7}),
        "pair": ("embedded", photo, {"scale": 1.6, **PAIR}),
        "plain": ("embedded", photo, {"scale": 4, "consistency": False}),
        "plain pair": ("embedded", photo, {"scale": 3, "consistency": False, **PAIR}),
        "ancestral": ("embedded", photo, {"scale": 2, "t": 50, "eta": 1.0, "steps": 4}),
        "uniform steps": (
            "embedded",
            photo,
            {"scale": (1.5, 2.5), "t": 120.5, "eta": 0.5, "spacing": "timestep", "seed": 3},
        ),
        "size": ("embedded", photo, {"size": (100, 90), "t": 20, "steps": 3}),
        "predicted for eta 1": ("embedded", photo, {"scale": 2.7, "eta": 1.0}),
        "gray": ("embedded", photo[..., 1], {"scale": 2, "steps": 3}),
        "float": ("embedded", photo.astype(np.float32) / 255, {"scale": 2, "steps": 3}),
        "three samples": ("embedded", photo, {"scale": 2, "t": 30, "samples": 3, "steps": 2, "eta": 1.0}),
        "fashion": ("fashion", gray, {"scale": 2}),
        "plain fashion": ("fashion", gray, {"scale": 2, "consistency": False, "t": 150}),
    }
    for name, (model, image, options) in cases.items():
        out = DiffSR.from_pretrained(model, device="cpu").upscale(image, **options)
        pixels = hashlib.sha256(np.ascontiguousarray(out.image).tobytes()).hexdigest()
        yield name, {"pixels": pixels, "t": out.t, "snr": out.snr, "nfe": out.nfe, "scale": tuple(out.scale)}


def predict() -> Answers:
    models = {name: DiffSR.from_pretrained(name, device="cpu") for name in ("embedded", "fashion")}
    photo = skimage.data.coffee()[100:180, 100:220]
    levels = (None, "closed_form", "spectral", "model_aware")
    calls: list[dict[str, Any]] = [
        {"scale": scale, "level": level, "image": image}
        for scale, level, image in itertools.product(
            (1, 1.3, 2, 2.7, 4, 6.5, (2, 4), 12), levels, (None, photo)
        )
    ]
    metrics = ("psnr_rgb", "psnr_y", "ssim", "lr_psnr", "feature_distance", "unknown")
    calls += [
        {"scale": 3, "image": photo, "metric": metric, "samples": samples, "consistency": consistency}
        for metric, samples, consistency in itertools.product(metrics, (1, 2), (True, False))
    ]
    known = (Degradation(blur_sigma=1.0), Degradation(noise_std=0.05), Degradation(jpeg_quality=40))
    calls += [{"scale": 2, "image": photo, "degradation": kind} for kind in ("auto", "bicubic", "x", *known)]
    for model, options in [("embedded", call) for call in calls] + [
        ("fashion", {"scale": scale}) for scale in (1.5, 2, 4)
    ]:
        shown = {key: value for key, value in options.items() if key != "image"}
        name = f"{model} {shown} {'image' if options.get('image') is not None else ''}"
        try:
            found = models[model].predict(**options)
            yield name, {field: getattr(found, field) for field in TOLD}
        except ToolkitError as error:
            yield name, str(error)


def sweep() -> Answers:
    sr, photo = DiffSR.from_pretrained("embedded", device="cpu"), skimage.data.chelsea()[80:140, 120:200]
    cases: dict[str, dict[str, Any]] = {
        "default": {"scales": [2, (1.5, 3)], "timesteps": "auto"},
        "pair": {"scales": [3], "timesteps": [10, 100.5], "seeds": [0, 1], **PAIR},
        "plain": {"scales": [2], "timesteps": [30], "consistency": False, "spacing": "timestep", "steps": 4},
    }
    for name, options in cases.items():
        frame = sr.sweep({"chelsea": photo}, progress=False, **options)
        yield name, frame.drop(columns="seconds").to_dict("list")


def study() -> Answers:
    for name, table in analyse(load("curves"), load("spectra")).items():
        yield name, table.to_dict("list")


PARTS: dict[str, Callable[[], Answers]] = {
    "upscale": upscale,
    "predict": predict,
    "sweep": sweep,
    "study": study,
}


def equal(a: Any, b: Any) -> bool:
    """Equality in which nan equals nan."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    both_nan = isinstance(a, float) and isinstance(b, float) and np.isnan(a) and np.isnan(b)
    return bool(both_nan or a == b)


def main() -> int:
    command, file, *parts = sys.argv[1:]
    now = {
        f"{part}: {name}": answer
        for part in parts or ("upscale", "predict", "sweep")
        for name, answer in PARTS[part]()
    }
    if command == "record":
        Path(file).write_bytes(pickle.dumps(now))
        return 0
    # The file is this script's own.
    before = pickle.loads(Path(file).read_bytes())
    changed = [name for name, answer in now.items() if name in before and not equal(answer, before[name])]
    for name in changed:
        old, new = before[name], now[name]
        if isinstance(old, dict) and isinstance(new, dict):
            old, new = (
                {key: d.get(key) for key in {**old, **new} if not equal(old.get(key), new.get(key))}
                for d in (before[name], now[name])
            )
        print(f"{name}\n  before {str(old)[:300]}\n  now    {str(new)[:300]}")
    print(f"{len(now)} answers, {len(changed)} changed, {len(now.keys() - before.keys())} new")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
