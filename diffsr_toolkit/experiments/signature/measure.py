"""The high-level signature, measured: how much of a picture's class survives noise injection and restoration.

**Signature retention at t** is the share of pictures whose restoration, injected at t, a classifier puts into the
class it gave the *original*. Beside it stand the share put into the true class, and the mutual information of the
true class and the restoration's class in bits, which also counts a restoration that errs consistently. Fidelity
(PSNR) and realism (Frechet distance of the classifier's features; power above the cut-off relative to the
originals') are measured on the same restorations. These definitions are this project's own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffsr_toolkit.consistency import LRConsistent
from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.datasets import CLASSES, Classifier, Split, balanced_subset, load_classifier, shipped_test
from diffsr_toolkit.pipeline import DEFAULT_STEPS, DiffSR
from diffsr_toolkit.images import KERNEL, Size, degrade, upsample
from diffsr_toolkit.sampling import image_generator, inject, sample, step_sigmas
from diffsr_toolkit.experiments.signature.statistics import frechet_distance
from diffsr_toolkit.sweeps import Store
from diffsr_toolkit.training import lost_band_power

SCALES = (1.5, 2.0, 2.7, 4.0, 7.0)
TIMESTEPS = (0.0, 150.0, 350.0, 450.0, 540.0, 620.0, 700.0, 780.0, 860.0, 999.0)
BATCH = 50


@dataclass(frozen=True)
class Setting:
    """How a picture is restored; as for ``DiffSR.restore``. ``steps=1`` is the denoiser's own estimate."""

    consistency: bool = False
    eta: float = 0.0
    steps: int = DEFAULT_STEPS


NAMED = {
    "plain": Setting(),
    "plain_ancestral": Setting(eta=1.0),
    "consistent": Setting(consistency=True),
    "consistent_ancestral": Setting(consistency=True, eta=1.0),
}
SETTINGS = tuple(NAMED.values())
DENOISER = Setting(steps=1)


@dataclass(frozen=True)
class Task:
    """One point of a curve; ``t`` is None for bicubic enlargement, without any model."""

    setting: Setting
    scale: float
    t: float | None


def tasks(
    settings: Sequence[Setting] = SETTINGS,
    scales: Sequence[float] = SCALES,
    timesteps: Sequence[float] = TIMESTEPS,
) -> Iterator[Task]:
    """All points: each setting at each scale, bicubic, and the reference at scale 1.

    At scale 1 the injected state is the noised *original*: nothing but the noise can take the class away. Both the
    reverse process and the denoiser's single estimate start from it there; with consistency it would be trivial.
    """
    for scale in scales:
        yield Task(SETTINGS[0], scale, None)
    if SETTINGS[0] in settings:
        yield from (Task(DENOISER, 1.0, t) for t in timesteps)
    for setting in settings:
        for scale in scales if setting.consistency else (1.0, *scales):
            yield from (Task(setting, scale, t) for t in timesteps)


@torch.inference_mode()
def restore_batch(sr: DiffSR, lr: Tensor, size: Size, t: float, setting: Setting, seed: int = 0) -> Tensor:
    """``DiffSR.restore`` for many images of one size at once, one generator each: the same results, faster.

    Parameters
    ----------
    lr : Tensor
        ``(B, C, h, w)`` in [-1, 1], with as many channels as the model takes.
    size : (int, int)
        Output height and width.
    t : float
        Injection timestep on the model's schedule.

    Returns
    -------
    Tensor
        ``(B, C, H, W)`` on the CPU, not clipped.

    Raises
    ------
    ModelError
        When the model takes another number of channels, or returns values that are not finite.
    """
    if sr.channels not in (None, lr.shape[1]):
        raise ModelError(f"the model takes {sr.channels} channels, the batch has {lr.shape[1]}: convert it")
    sigmas = step_sigmas(sr.schedule, t, setting.steps)
    generators = [image_generator(seed, image) for image in lr]
    denoiser = LRConsistent(sr.denoiser, lr) if setting.consistency else sr.denoiser
    x = inject(upsample(lr, size).to(sr.device), float(sigmas[0]), generators)
    for state in sample(denoiser, x, sigmas, setting.eta, generators):
        x = state.x
    if not torch.isfinite(x).all():
        raise ModelError(f"the denoiser returned values that are not finite at t={t}: check its output")
    return x.cpu()


class Bench:
    """Pictures, model and classifier of one measurement.

    Parameters
    ----------
    sr : DiffSR
        A model of one channel and the pictures' size.
    classifier : Classifier
    pictures : Split
        Originals, 28 x 28.
    seed : int
        Of all noise.
    """

    def __init__(self, sr: DiffSR, classifier: Classifier, pictures: Split, seed: int = 0) -> None:
        self.sr, self.classifier, self.pictures, self.seed = sr, classifier, pictures, seed
        self.hr = pictures.tensor()
        self.size = (self.hr.shape[-2], self.hr.shape[-1])
        self.original_classes, self.original_features = classifier.judge(self.hr)

    def restored(self, task: Task) -> Tensor:
        """Restorations ``(N, 1, H, W)`` in [-1, 1] of all pictures."""
        lr = degrade(self.hr, task.scale)
        if task.t is None:
            return upsample(lr, self.size).clamp(-1, 1)
        parts = [
            restore_batch(self.sr, part, self.size, task.t, task.setting, self.seed)
            for part in lr.split(BATCH)
        ]
        return torch.cat(parts).clamp(-1, 1)

    def measure(self, task: Task) -> dict[str, Any]:
        """What every picture became, and the set's realism: plain numbers for a store."""
        restored = self.restored(task)
        classes, features = self.classifier.judge(restored)
        error = ((restored - self.hr) / 2).square().mean((1, 2, 3)).double().clamp(min=1e-10)
        kept, all_power = (
            lost_band_power(restored[:, 0], task.scale),
            lost_band_power(self.hr[:, 0], task.scale),
        )
        return {
            "classes": classes.tolist(),
            "psnr": (-10 * error.log10()).tolist(),
            "frechet": frechet_distance(features, self.original_features),
            "high_band_power": kept / all_power if all_power > 0 else None,
        }

    @property
    def precision(self) -> str:
        """Precision of the network, such as ``"float32"``."""
        network = getattr(self.sr.denoiser, "unet", None)
        dtype = torch.float32 if network is None else next(network.parameters()).dtype
        return str(dtype).removeprefix("torch.")

    def protocol(self) -> dict[str, Any]:
        """What a store of this measurement must share."""
        digest = DiffSR(self.classifier, self.sr.schedule, channels=1).weights_digest
        return {
            "kind": "signature",
            "model": self.sr.name,
            "weights": self.sr.weights_digest,
            "precision": self.precision,
            "classifier": digest,
            "images": len(self.pictures),
            "seed": self.seed,
            "kernel": KERNEL,
        }


Measured = dict[Task, dict[str, Any]]


def run(
    bench: Bench,
    todo: Sequence[Task],
    store: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Measured:
    """Measure every task, from the store where it is done already.

    Parameters
    ----------
    store : path-like, optional
        Folder of one small file a task; a run that was stopped goes on from it.
    progress : callable, optional
        Told each task when it is done.
    """
    folder = Store(store, bench.protocol())
    measured: Measured = {}
    for number, task in enumerate(todo, start=1):
        rows = folder.load(asdict(task))
        if rows is None:
            rows = [bench.measure(task)]
            folder.save(asdict(task), rows)
            if progress is not None:
                progress(f"{number}/{len(todo)} {task}")
        measured[task] = rows[0]
    return measured


def main() -> None:
    """Measure the shipped pair on the shipped test pictures and write the two tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--images", type=int, default=500, help="test pictures, balanced over the 10 classes")
    parser.add_argument("--store", type=Path, help="folder of the resumable measurement")
    parser.add_argument(
        "--out", type=Path, help="table to write, e.g. data/signature.csv; _collapse.csv beside it"
    )
    parser.add_argument("--scales", type=float, nargs="+", default=list(SCALES))
    parser.add_argument("--timesteps", type=float, nargs="+", default=list(TIMESTEPS))
    parser.add_argument("--settings", choices=list(NAMED), nargs="+", default=list(NAMED))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--precision", choices=("float32", "bfloat16"), default="float32", help="of the network"
    )
    parser.add_argument("--threads", type=int, help="of this process; torch's default otherwise")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    from diffsr_toolkit.experiments.signature.tables import collapse_table, signature_table

    pictures = balanced_subset(shipped_test(), args.images // len(CLASSES))
    sr = DiffSR.from_pretrained("fashion", device="cpu", dtype=getattr(torch, args.precision))
    bench = Bench(sr, load_classifier(), pictures, args.seed)
    todo = list(tasks([NAMED[name] for name in args.settings], args.scales, args.timesteps))
    measured = run(bench, todo, args.store, lambda line: print(line, flush=True))
    frames = {"": signature_table(bench, measured), "_collapse": collapse_table(bench, measured)}
    for suffix, frame in frames.items():
        print(frame.to_string(index=False))
        if args.out is not None:
            frame.to_csv(
                args.out.with_name(args.out.stem + suffix + ".csv"), index=False, float_format="%.6g"
            )


if __name__ == "__main__":
    # Not this copy, whose classes the tables would not know, but the module that they import.
    from diffsr_toolkit import signature

    signature.main()
