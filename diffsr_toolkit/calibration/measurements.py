"""What a card is made of, measured picture by picture, each part from the store where it is done already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffsr_toolkit.calibration.averaging import response_of
from diffsr_toolkit.calibration.constants import sweep_candidates
from diffsr_toolkit.calibration.efficiency import denoising, denoising_curve
from diffsr_toolkit.calibration.plan import CalibrationPlan
from diffsr_toolkit.calibration.responses import regeneration
from diffsr_toolkit.datasets import NamedImage
from diffsr_toolkit.errors import ScaleError, ToolkitError
from diffsr_toolkit.images import lr_size
from diffsr_toolkit.models import schedule_to_dict
from diffsr_toolkit.restoration import Restorer
from diffsr_toolkit.settings import SamplingSettings
from diffsr_toolkit.sweeps import Rows, Store
from theory.prf import ModelResponse
from theory.scale import Scale, as_scale
from theory.spectra import MIN_SIZE, PowerLaw

if TYPE_CHECKING:
    import pandas as pd

Told = Callable[[], object]
"""Called after each step."""


def lr_side(picture: NamedImage, scale: Scale) -> int:
    """Shorter side of a picture's low-resolution image, in pixels."""
    return min(lr_size((picture.hr.shape[-2], picture.hr.shape[-1]), scale))


class Measurements:
    """The parts of one model's card.

    Parameters
    ----------
    restorer : Restorer
    pictures : sequence of NamedImage
    seeds : sequence of int
        Each is one measurement more of everything.
    store : Path or None
        Folder that keeps what is measured.
    plan : CalibrationPlan

    Raises
    ------
    ToolkitError
        Without a seed.
    ScaleError
        When the pictures are too small for every scale of the responses.
    StoreError
        When the store is one of another model.
    """

    def __init__(
        self,
        restorer: Restorer,
        pictures: Sequence[NamedImage],
        seeds: Sequence[int],
        store: Path | None,
        plan: CalibrationPlan,
    ) -> None:
        self.restorer, self.pictures, self.seeds, self.plan = restorer, pictures, list(seeds), plan
        if not self.seeds:
            raise ToolkitError(f"seeds={seeds!r}: give at least one, such as 0")
        self._cases = [
            (picture, scale, seed)
            for picture in pictures
            for scale in plan.scales
            for seed in self.seeds
            if lr_side(picture, scale) >= MIN_SIZE
        ]
        if not self._cases:
            raise ScaleError(
                f"at scales {plan.scales} no low-resolution image has {MIN_SIZE} pixels a side: "
                "give larger pictures or smaller scales"
            )
        self._folder = store
        self._store = Store(store, self._model)

    @cached_property
    def _model(self) -> dict[str, Any]:
        schedule = json.dumps(schedule_to_dict(self.restorer.schedule)).encode()
        return {
            "model": self.restorer.name,
            "weights": self.restorer.weights_digest,
            "schedule": hashlib.sha256(schedule).hexdigest()[:12],
            "precision": str(getattr(self.restorer.denoiser, "dtype", "")).removeprefix("torch."),
        }

    @property
    def provenance(self) -> dict[str, Any]:
        """Model and pictures, for the card."""
        return {
            "photographs": sorted(picture.name for picture in self.pictures),
            "longer_side": max(max(picture.hr.shape[-2:]) for picture in self.pictures),
            "seeds": self.seeds,
            "model": self.restorer.name,
            "weights": self._model["weights"],
            "precision": self._model["precision"],
        }

    @property
    def steps(self) -> int:
        """How many steps all parts have together."""
        return (
            len(self.plan.calibrated) * len(self.pictures)
            + len(self.plan.samplers) * len(self._cases)
            + len(self.pictures) * len(self.seeds)
        )

    def candidates(
        self, settings: SamplingSettings, scale: float, reference: PowerLaw, told: Told
    ) -> pd.DataFrame:
        """The candidates of all pictures under one sampler; see `sweep_candidates`."""
        import pandas as pd

        kind = "consistent" if settings.consistency else "plain"
        name = f"constants-{settings.samples}x{settings.steps}-eta{settings.eta:g}-{settings.spacing}-{kind}"
        frames = []
        for picture in self.pictures:
            frames.append(
                sweep_candidates(
                    self.restorer,
                    picture,
                    settings,
                    scale=scale,
                    reference=reference,
                    candidates=self.plan.candidates,
                    seeds=self.seeds,
                    store=None if self._folder is None else self._folder / name,
                )
            )
            told()
        return pd.concat(frames, ignore_index=True)

    def response(self, settings: SamplingSettings, told: Told) -> ModelResponse:
        """The response under one sampler, as a card holds it; see `regeneration` and `response_of`."""
        ratios = list(self.plan.ratios)
        # A seed more is one more restoration of the same picture, in the mean like one picture more.
        rows: dict[tuple[str, int], Rows] = {}
        for picture, scale, seed in self._cases:
            task = {
                "response": settings.protocol(),
                "scale": list(as_scale(scale)),
                "ratios": ratios,
                "seed": seed,
            }
            measure = partial(regeneration, self.restorer, picture.hr, settings, [scale], ratios, seed=seed)
            rows.setdefault((picture.name, seed), []).extend(self._kept(picture, task, measure))
            told()
        found = response_of(list(rows.values()), self.restorer.name, settings)
        return ModelResponse.from_dict(found.to_dict())

    def denoising(self, told: Told) -> dict[str, list[float]]:
        """The denoising curve; see `denoising_curve`."""
        denoiser = self.restorer.denoiser
        levels = [level for level in self.plan.noise_levels if level <= denoiser.sigma_max]
        rows = []
        for picture in self.pictures:
            for seed in self.seeds:
                task = {"denoising": levels, "seed": seed}
                rows.append(self._kept(picture, task, partial(denoising, denoiser, picture.hr, levels, seed)))
                told()
        return denoising_curve(rows)

    def _kept(self, picture: NamedImage, task: dict[str, Any], measure: Callable[[], Rows]) -> Rows:
        task = {"image": picture.name, "digest": picture.digest, **task}
        rows = self._store.load(task)
        if rows is None:
            rows = measure()
            self._store.save(task, rows)
        return rows
