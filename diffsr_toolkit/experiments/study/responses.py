"""What the study's other denoisers give back, measured on reference photographs for their model-aware predictions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from diffsr_toolkit.calibration import regeneration, response_of
from diffsr_toolkit.datasets import photograph
from diffsr_toolkit.experiments.study.arms import LONGER_SIDE, Arm
from diffsr_toolkit.files import write_json
from diffsr_toolkit.restoration import Restorer
from diffsr_toolkit.sweeps import Rows, Store
from theory.prf import ModelResponse
from theory.scale import Scale

SCALES: tuple[Scale, ...] = (1.6, 2.7, 4.0, 6.0)
RATIOS = tuple(4.0**power for power in range(-2, 5))


def measure_response(arm: Arm, restorer: Restorer, paths: Sequence[Path], store: Path) -> ModelResponse:
    """The response of an arm's denoiser under the arm's settings.

    Parameters
    ----------
    arm : Arm
    restorer : Restorer
        What ``arm.build()`` gave.
    paths : sequence of Path
        Reference photographs, not those of the study.
    store : Path
        Folder of the resumable measurements; what it holds is not measured again.
    """
    shared = {"model": restorer.name, "weights": restorer.weights_digest, "longer_side": LONGER_SIDE}
    kept = Store(store / arm.name, shared | arm.settings.protocol())
    photographs: list[Rows] = []
    for path in sorted(paths):
        task = {"photograph": path.name}
        rows = kept.load(task)
        if rows is None:
            rows = regeneration(restorer, photograph(path, LONGER_SIDE), arm.settings, SCALES, RATIOS)
            kept.save(task, rows)
        photographs.append(rows)
    return response_of(photographs, restorer.name, arm.settings)


def write_responses(path: Path, arms: Iterable[Arm], photos: Sequence[Path], store: Path) -> None:
    """Measure these arms into a file of responses; other arms in it stay."""
    found = json.loads(path.read_text()) if path.exists() else {}
    for arm in arms:
        found[arm.name] = measure_response(arm, arm.build(), photos, store).to_dict()
    write_json(path, found)
