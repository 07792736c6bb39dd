"""A model's card: all that a prediction knows of one model, in one file that needs no network to read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from diffsr_toolkit.errors import ModelError, ToolkitError
from diffsr_toolkit.files import write_json
from diffsr_toolkit.models.schedules import schedule_from_dict, schedule_to_dict
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.settings import SamplingSettings
from theory.prf import ModelResponse
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

FILE = "card.json"
REFERENCE = "embedded"
"""The model whose constants and spectrum stand in for those of a model that was not calibrated."""

_NEAR_ETA = 0.5
"""A response answers for the eta nearest to it, up to half way between DDIM and DDPM."""

Entry = TypeVar("Entry", "ModelConstants", ModelResponse)


@dataclass(frozen=True)
class ModelConstants:
    """Constants of the prediction, measured at one scale under one sampler.

    Attributes
    ----------
    settings : SamplingSettings
        Under which they were measured.
    metrics : mapping of str to mapping
        For each metric ``c`` of ``snr(t_opt) = c / S(f_c)``; ``weight`` (spectral) and ``excess`` (model-aware), which
        make the other levels agree with it; whether the excess ``agrees``; ``at_edge`` of the candidates; and the
        ``gain`` over bicubic.
    """

    settings: SamplingSettings
    metrics: Mapping[str, Mapping[str, Any]]

    def of(self, metric: str) -> Mapping[str, Any]:
        """Constants of one metric.

        Raises
        ------
        ToolkitError
            When the metric was not calibrated.
        """
        if metric not in self.metrics:
            raise ToolkitError(
                f"metric {metric!r} has no calibrated constant: choose among {', '.join(self.metrics)}"
            )
        return self.metrics[metric]


@dataclass(frozen=True)
class ModelCard:
    """What is known of one model.

    Attributes
    ----------
    name, description : str
    schedule : NoiseSchedule
        The model's own.
    channels : int or None
    spectrum : PowerLaw
        Mean of the pictures it is for, in cycles per pixel.
    image_share : float
        How far an image's own spectrum counts against that mean, in [0, 1]; see ``theory.PowerLaw.pooled``.
    eps_realism : float
        Realism deficit that the measured optimum lives with.
    constants : tuple of ModelConstants
        One for each way of sampling that was calibrated.
    responses : tuple of theory.ModelResponse
        What the model was measured to give back, one for each way of sampling; empty where it was not measured.
    denoising : mapping
        Squared error over the linear estimator's (``efficiency``) by ``ratios`` r = snr S.
    provenance : mapping
        On what each part was measured.
    """

    name: str
    schedule: NoiseSchedule
    spectrum: PowerLaw
    image_share: float
    eps_realism: float
    constants: tuple[ModelConstants, ...]
    responses: tuple[ModelResponse, ...] = ()
    description: str = ""
    channels: int | None = None
    denoising: Mapping[str, Sequence[float]] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def constants_for(self, settings: SamplingSettings) -> ModelConstants:
        """Constants measured under the most similar sampler; averaging counts first, since it changes them most."""
        found = _alike(self.constants, settings)
        return _nearest(found or list(self.constants), settings)

    def response_for(self, settings: SamplingSettings) -> ModelResponse | None:
        """The response measured with these settings but for steps and spacing; None where there is none.

        One restoration or a mean of several, consistent or plain, and of those the nearest eta.
        """
        found = [
            response
            for response in _alike(self.responses, settings)
            if settings_of(response).consistency == settings.consistency
            and abs(settings_of(response).eta - settings.eta) <= _NEAR_ETA
        ]
        return _nearest(found, settings) if found else None

    def matching_response(self, settings: SamplingSettings) -> ModelResponse:
        """As `response_for`.

        Raises
        ------
        ToolkitError
            When there is none.
        """
        found = self.response_for(settings)
        if found is None:
            raise ToolkitError(
                f"{len(self.responses)} responses of {self.name!r} are known, none near {settings}: measure one "
                "(calibration.make_card with a plan of these samplers), or choose the level 'spectral'"
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {
            "name": self.name,
            "description": self.description,
            "channels": self.channels,
            "schedule": schedule_to_dict(self.schedule),
            "spectrum": asdict(self.spectrum),
            "image_share": self.image_share,
            "eps_realism": self.eps_realism,
            "constants": [
                {"settings": entry.settings.protocol(), "metrics": entry.metrics} for entry in self.constants
            ],
            "responses": [response.to_dict() for response in self.responses],
            "denoising": self.denoising,
            "provenance": self.provenance,
        }


def settings_of(entry: ModelConstants | ModelResponse) -> SamplingSettings:
    """The sampler under which something was measured."""
    if isinstance(entry, ModelConstants):
        return entry.settings
    return SamplingSettings(**entry.sampler)


def _alike(entries: Sequence[Entry], settings: SamplingSettings) -> list[Entry]:
    """Those that average where `settings` average."""
    averaged = settings.samples > 1
    return [entry for entry in entries if (settings_of(entry).samples > 1) == averaged]


def _nearest(entries: Sequence[Entry], settings: SamplingSettings) -> Entry:
    return min(entries, key=lambda entry: abs(settings_of(entry).eta - settings.eta))


def card_names() -> tuple[str, ...]:
    """Names of the models that ship with the toolkit: every folder of ``data/models`` that holds a card."""
    return tuple(sorted(path.parent.name for path in data_path("models").glob(f"*/{FILE}")))


def load_card(name: str) -> ModelCard:
    """The card of a model that ships with the toolkit.

    Raises
    ------
    ModelError
        When there is no such model.
    """
    if name not in card_names():
        raise ModelError(
            f"model {name!r} does not ship with the toolkit: choose among {', '.join(card_names())}"
        )
    return read_card(data_path("models", name))


@cache
def _read(path: Path, modified: int) -> ModelCard:
    try:
        stored = json.loads(path.read_text())
        own = {
            "name": str(stored["name"]),
            "description": str(stored.get("description", "")),
            "schedule": schedule_from_dict(stored["schedule"]),
            "channels": stored.get("channels"),
            "spectrum": PowerLaw(**stored["spectrum"]),
            "responses": tuple(ModelResponse.from_dict(entry) for entry in stored.get("responses", ())),
            "denoising": stored.get("denoising", {}),
            "provenance": stored.get("provenance", {}),
        }
        if stored.get("constants"):
            own |= {
                "image_share": float(stored["image_share"]),
                "eps_realism": float(stored["eps_realism"]),
                "constants": tuple(
                    ModelConstants(SamplingSettings(**entry["settings"]), entry["metrics"])
                    for entry in stored["constants"]
                ),
            }
            return ModelCard(**own)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path} is no model's card ({type(error).__name__}: {error}): delete it, "
            "and make it anew with diffsr calibrate"
        ) from error
    return replace(reference_card(), **own)


def read_card(folder: Path) -> ModelCard:
    """The card in a model's folder; constants that it lacks are those of the reference model.

    Raises
    ------
    ModelError
        When the file is missing or damaged.
    """
    path = folder / FILE
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error}): make it with diffsr calibrate") from error


def reference_card() -> ModelCard:
    """The card that stands in for a model of which nothing was measured: the reference's, without its responses."""
    return replace(load_card(REFERENCE), responses=(), denoising={})


def plain_card(name: str, schedule: NoiseSchedule) -> ModelCard:
    """The card of a model of which only the schedule is known: the reference's spectrum and constants."""
    return replace(
        reference_card(), name=name, description="", schedule=schedule, channels=None, provenance={}
    )


def save_card(card: ModelCard, path: Path) -> None:
    """Write a card, whole or not at all.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    write_json(path, card.to_dict())
