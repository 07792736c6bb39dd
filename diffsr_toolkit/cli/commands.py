"""What each command does; torch is imported by those that restore, not to predict from a card or to list."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from diffsr_toolkit.cli import arguments
from diffsr_toolkit.errors import StoreError
from diffsr_toolkit.settings import SamplingSettings

_PREDICTED = ("t_low", "t_opt", "t_high", "snr_low", "snr_opt", "snr_high", "critical_scale", "is_open")


def _settings(args: argparse.Namespace) -> SamplingSettings:
    return SamplingSettings(
        steps=args.steps,
        eta=args.eta,
        spacing=args.spacing,
        samples=args.samples,
        consistency=args.consistency,
    )


def upscale(args: argparse.Namespace) -> None:
    """Super-resolve one file."""
    from diffsr_toolkit.images import check_output, load_image, output_size, save_image
    from diffsr_toolkit.pipeline import DiffSR

    settings = _settings(args)
    image = load_image(args.input)
    size = output_size((image.height, image.width), args.scale, args.size)
    check_output(args.output, image, size)
    sr = DiffSR.from_pretrained(args.model)
    result = sr.upscale(image, args.scale, size=args.size, t=args.t, seed=args.seed, **settings)
    save_image(result.image, args.output)
    if result.prediction is not None:
        print(result.prediction.explanation)
    print(f"t={result.t!r} sigma={result.sigma!r} snr={result.snr!r} nfe={result.nfe} eta={args.eta!r}")
    print(f"{args.output}: {size[0]}x{size[1]} pixels, scale {result.scale[0]!r},{result.scale[1]!r}")


def predict(args: argparse.Namespace) -> None:
    """Predict, from the model's card alone."""
    from diffsr_toolkit.images import load_image, to_planes
    from diffsr_toolkit.models import card_beside
    from diffsr_toolkit.prediction import Predictor
    from theory.scale import as_scale

    scale, settings = as_scale(args.scale), _settings(args)
    degradation = arguments.degradation(args.degradation)
    lr = None if args.image is None else to_planes(load_image(args.image))[0]
    card = card_beside(args.model)
    if card is None:
        # Only diffusers knows the schedule of a model without a card.
        from diffsr_toolkit.models import card_of

        card = card_of(args.model)
    prediction = Predictor(card.schedule, card).predict(
        scale, lr, degradation, level=args.level, metric=args.metric, settings=settings
    )
    if args.json:
        fields: dict[str, Any] = {name: _strict(getattr(prediction, name)) for name in _PREDICTED}
        fields |= {
            "t_opt_interval": [_strict(t) for t in prediction.t_opt_interval],
            "scale": [float(factor) for factor in prediction.scale],
            "level": prediction.level,
            "metric": prediction.metric,
            "model": args.model,
            "settings": settings.protocol(),
            "explanation": prediction.explanation,
        }
        print(json.dumps(fields, allow_nan=False))
        return
    print(prediction.explanation)
    for name in _PREDICTED:
        print(f"{name}={getattr(prediction, name)!r}")
    print("t_opt_interval=" + ",".join(map(repr, prediction.t_opt_interval)))


def _strict(value: Any) -> bool | float | None:
    """What strict JSON can say: it has no nan and no infinity."""
    if isinstance(value, bool):
        return value
    return float(value) if value is not None and math.isfinite(value) else None


def sweep(args: argparse.Namespace) -> None:
    """Measure over scales and timesteps."""
    from diffsr_toolkit.datasets import named_images
    from diffsr_toolkit.pipeline import DiffSR
    from theory.scale import as_scale

    scales, settings = [as_scale(scale) for scale in args.scales], _settings(args)
    images = {image.name: image.hr for image in named_images(args.images)}
    sr = DiffSR.from_pretrained(args.model)
    frame = sr.sweep(images, scales, args.timesteps, args.metrics, args.seeds, args.store, **settings)
    print(f"{len(frame)} rows in {args.store}; next: diffsr report {args.store}")


def report(args: argparse.Namespace) -> None:
    """Write the page of a sweep's folder."""
    from diffsr_toolkit.sweeps import read_store

    protocol, rows = read_store(args.folder)
    if not rows:
        raise StoreError(f"store {args.folder} holds no finished task: run the sweep again")
    import pandas as pd

    from diffsr_toolkit.reports import write_report

    folder = Path(args.folder)
    print(write_report(pd.DataFrame(rows), folder, f"Sweep {folder.resolve().name}", protocol=protocol))


def models(args: argparse.Namespace) -> None:
    """List the models that ship with the toolkit."""
    from diffsr_toolkit.models import card_names, load_card

    for name in card_names():
        print(f"{name}: {load_card(name).description}")


def calibrate(args: argparse.Namespace) -> None:
    """Measure a model and write its card."""
    from diffsr_toolkit.calibration import calibrate_model

    card = calibrate_model(
        args.model,
        args.images,
        out=args.out,
        store=args.store,
        side=args.side,
        seeds=args.seeds,
        precision=args.precision,
    )
    print(f"{card.name}: {len(card.responses)} responses, constants for {len(card.constants)} samplers")
