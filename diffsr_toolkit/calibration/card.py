"""Make a model's card: all that predictions know of it, measured once on pictures of its domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsr_toolkit.calibration.constants import by_candidate, mean_curves, optimum, realism_tolerance
from diffsr_toolkit.calibration.levels import level_constants
from diffsr_toolkit.calibration.measurements import Measurements, lr_side
from diffsr_toolkit.calibration.plan import CalibrationPlan
from diffsr_toolkit.calibration.pooling import image_share
from diffsr_toolkit.calibration.reference import mean_law
from diffsr_toolkit.datasets import NamedImage, named_images
from diffsr_toolkit.errors import ScaleError, SpectrumError
from diffsr_toolkit.models import ModelCard, ModelConstants, reference_card
from diffsr_toolkit.prediction import has_sensitivity, sensitivity
from diffsr_toolkit.restoration import Restorer
from diffsr_toolkit.settings import SamplingSettings
from theory.prf import ModelResponse
from theory.spectra import MIN_SIZE, PowerLaw, fit_power_law

if TYPE_CHECKING:
    import pandas as pd

CALIBRATION_SCALES = (4.0, 3.0, 2.0, 1.5)
"""Scales at which constants are measured: the first that leaves pictures large enough."""

_RULE = "largest mean gain over bicubic; parabola in log c through the best candidates"


def make_card(
    restorer: Restorer,
    images: Any,
    *,
    seeds: Sequence[int] = (0,),
    store: str | Path | None = None,
    plan: CalibrationPlan | None = None,
    description: str = "",
    progress: bool = True,
) -> ModelCard:
    """Measure all that predictions need to know of a model.

    The mean spectrum of the pictures; the constant c of each metric and what stands for it at the other levels; how
    far a picture's own spectrum counts; what the model gives back of each band under every sampler; how good a
    denoiser the network is. A metric that cannot be computed on such pictures is left out.

    Parameters
    ----------
    restorer : Restorer
        ``DiffSR(...).restorer``, for example.
    images : path, image, sequence or mapping of names to images
        Originals at the size at which they are to be measured, 2 at least: their mean spectrum comes with its spread.
        Fewer than `FEWEST_PICTURES` do not tell how far a picture's own spectrum counts, and leave the reference
        model's share.
    seeds : sequence of int
        Everything is measured once with each.
    store : path-like, optional
        Folder that keeps what is measured: a repeated call does only what is missing.
    plan : CalibrationPlan, optional
    description : str
        Of the model, for people.
    progress : bool

    Returns
    -------
    ModelCard

    Raises
    ------
    ToolkitError
        Too few pictures, one too small or without a spectrum, or a store of another model: before anything is
        measured.
    """
    from tqdm.auto import tqdm

    plan = plan or CalibrationPlan()
    pictures = [_in_channels(picture, restorer.denoiser.channels) for picture in named_images(images)]
    law = mean_law([_own_law(picture) for picture in pictures])
    scale = calibration_scale(pictures) if plan.scale is None else float(plan.scale)
    measured = Measurements(restorer, pictures, seeds, None if store is None else Path(store), plan)
    with tqdm(desc="calibrate", total=measured.steps, disable=not progress) as bar:
        frames = [measured.candidates(settings, scale, law, bar.update) for settings in plan.calibrated]
        responses = tuple(measured.response(settings, bar.update) for settings in plan.samplers)
        denoising = measured.denoising(bar.update)
    curves = [_finite(mean_curves(frame)) for frame in frames]
    reference = reference_card()
    share: dict[str, Any] = image_share(frames) or {"share": reference.image_share, "of": reference.name}
    card = ModelCard(
        name=restorer.name,
        description=description,
        schedule=restorer.schedule,
        channels=restorer.denoiser.channels,
        spectrum=law,
        image_share=share["share"],
        eps_realism=realism_tolerance(optimum(curves[0]["feature_distance"])["c"]),
        constants=(),
        responses=responses,
        denoising=denoising,
        provenance={
            "constants": {
                **measured.provenance,
                "scale": scale,
                "rule": _RULE,
                "image_share": share,
                "gain_over_bicubic": [by_candidate(curve) for curve in curves],
            },
            "responses": {**measured.provenance, "scales": list(plan.scales), "ratios": list(plan.ratios)},
        },
    )
    constants = [
        _constants(curve, law, scale, settings, card.response_for(settings))
        for settings, curve in zip(plan.calibrated, curves, strict=True)
    ]
    return replace(card, constants=tuple(constants))


def calibration_scale(pictures: Sequence[NamedImage]) -> float:
    """Largest of `CALIBRATION_SCALES` at which every low-resolution image is large enough for a spectrum.

    Raises
    ------
    ScaleError
        When there is none.
    """
    smallest = min(pictures, key=lambda picture: min(picture.hr.shape[-2:]))
    for scale in CALIBRATION_SCALES:
        if lr_side(smallest, scale) >= MIN_SIZE:
            return scale
    raise ScaleError(
        f"picture {smallest.name!r} of {smallest.hr.shape[-2]} x {smallest.hr.shape[-1]} pixels leaves fewer than "
        f"{MIN_SIZE} a side at scale {CALIBRATION_SCALES[-1]}: leave it out or give it larger"
    )


def _constants(
    curve: pd.DataFrame,
    law: PowerLaw,
    scale: float,
    settings: SamplingSettings,
    response: ModelResponse | None,
) -> ModelConstants:
    known = {metric: sensitivity(metric, 1.0) for metric in curve.columns if has_sensitivity(metric)}
    relative = {metric: charges for metric, charges in known.items() if charges.is_relative}
    best = {metric: optimum(curve[metric]) for metric in curve.columns}
    return ModelConstants(settings, level_constants(best, law, scale, response, relative))


def _finite(curves: pd.DataFrame) -> pd.DataFrame:
    """Without the metrics that could not be computed, as SSIM on fewer than 11 pixels a side."""
    return curves.loc[:, np.isfinite(curves).all()]


def _own_law(picture: NamedImage) -> PowerLaw:
    try:
        return fit_power_law(picture.hr.numpy())
    except SpectrumError as error:
        raise SpectrumError(f"picture {picture.name!r}: {error}") from error


def _in_channels(picture: NamedImage, channels: int | None) -> NamedImage:
    """A picture in the model's own channels: gray ones as three equal, coloured ones as their mean."""
    hr = picture.hr
    if channels == 3 and len(hr) == 1:
        return replace(picture, hr=hr.expand(3, -1, -1).contiguous())
    if channels == 1 and len(hr) == 3:
        return replace(picture, hr=hr.mean(0, keepdim=True))
    return picture
