"""The high-level signature, measured: how much of a picture's class survives noise injection and restoration.

**Signature retention at t** is the share of pictures whose restoration, injected at t, a classifier puts into the
class it gave the *original*. Beside it stand the share put into the true class, and the mutual information of the
true class and the restoration's class in bits, which also counts a restoration that errs consistently. Fidelity
(PSNR) and realism (Frechet distance of the classifier's features; power above the cut-off relative to the
originals') are measured on the same restorations. These definitions are this project's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffsr_toolkit.datasets import Split
from diffsr_toolkit.experiments.signature.statistics import frechet_distance
from diffsr_toolkit.experiments.signature.tasks import SignatureTask
from diffsr_toolkit.images import KERNEL, degrade, upsample
from diffsr_toolkit.metrics import lost_band_power
from diffsr_toolkit.models import Classifier
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.sweeps import Store

BATCH = 50

Judged = dict[SignatureTask, dict[str, Any]]


class SignatureStudy:
    """Pictures, model and classifier of one measurement.

    Parameters
    ----------
    restorer : DiffusionRestorer
        Of a model of one channel and the pictures' size.
    classifier : Classifier
    pictures : Split
        Originals, 28 x 28.
    seed : int
        Of all noise.
    """

    def __init__(
        self, restorer: DiffusionRestorer, classifier: Classifier, pictures: Split, seed: int = 0
    ) -> None:
        self.restorer, self.classifier, self.pictures, self.seed = restorer, classifier, pictures, seed
        self.hr = pictures.tensor()
        self.size = (self.hr.shape[-2], self.hr.shape[-1])
        self.original_classes, self.original_features = classifier.judge(self.hr)

    def restored(self, task: SignatureTask) -> Tensor:
        """Restorations ``(N, 1, H, W)`` in [-1, 1] of all pictures."""
        lr = degrade(self.hr, task.scale)
        if task.t is None:
            return upsample(lr, self.size).clamp(-1, 1)
        parts = [
            self.restorer.restore_batch(part, self.size, task.t, task.settings, seed=self.seed)[0]
            for part in lr.split(BATCH)
        ]
        return torch.cat(parts).clamp(-1, 1)

    def measure(self, task: SignatureTask) -> dict[str, Any]:
        """What every picture became, and the set's realism: plain numbers for a store."""
        restored = self.restored(task)
        classes, features = self.classifier.judge(restored)
        error = ((restored - self.hr) / 2).square().mean((1, 2, 3)).double().clamp(min=1e-10)
        kept, all_power = (lost_band_power(images[:, 0], task.scale) for images in (restored, self.hr))
        return {
            "classes": classes.tolist(),
            "psnr": (-10 * error.log10()).tolist(),
            "frechet": frechet_distance(features, self.original_features),
            "high_band_power": kept / all_power if all_power > 0 else None,
        }

    @property
    def precision(self) -> str:
        """Precision of the network, such as ``"float32"``."""
        dtype = getattr(self.restorer.denoiser, "dtype", torch.float32)
        return str(dtype).removeprefix("torch.")

    def protocol(self) -> dict[str, Any]:
        """What a store of this measurement must share."""
        # A restorer only in name: what it says of its weights is what is wanted.
        classifier = DiffusionRestorer(self.classifier, self.restorer.schedule, channels=1)
        return {
            "kind": "signature",
            "model": self.restorer.name,
            "weights": self.restorer.weights_digest,
            "precision": self.precision,
            "classifier": classifier.weights_digest,
            "images": len(self.pictures),
            "seed": self.seed,
            "kernel": KERNEL,
        }


def measure_signature(
    study: SignatureStudy,
    todo: Sequence[SignatureTask],
    store: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Judged:
    """Measure every task, from the store where it is done already.

    Parameters
    ----------
    study : SignatureStudy
    todo : sequence of SignatureTask
    store : path-like, optional
        Folder of one small file a task; a run that was stopped goes on from it.
    progress : callable, optional
        Told each task when it is done.
    """
    folder = Store(store, study.protocol())
    measured: Judged = {}
    for number, task in enumerate(todo, start=1):
        rows = folder.load(task.key)
        if rows is None:
            rows = [study.measure(task)]
            folder.save(task.key, rows)
            if progress is not None:
                progress(f"{number}/{len(todo)} {task}")
        measured[task] = rows[0]
    return measured
