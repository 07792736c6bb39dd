"""``make bench``: ratios of run times, each pair measured in turn within one run on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import get_args

import torch
from torch import Tensor

from diffsr_toolkit.pipeline import DiffSR
from diffsr_toolkit.sampling import sample, step_sigmas
from theory.prf import Level

SIZE, STEPS, ROUNDS = 96, 10, 5


def ratio(name: str, ours: Callable[[], object], other: Callable[[], object]) -> str:
    """One line: median time of both and the median of the pairwise ratios."""
    ours(), other()
    pairs = []
    for _ in range(ROUNDS):
        times = []
        for call in (ours, other):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        pairs.append(times)
    first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
    quotient = statistics.median(a / b for a, b in pairs)
    return f"{name:<58} {1e3 * first:9.2f} ms {1e3 * second:9.2f} ms  ratio {quotient:.3f}"


def main() -> None:
    """Print the table."""
    from diffusers import DDIMScheduler

    sr = DiffSR.from_pretrained("embedded", device="cpu")
    half = DiffSR.from_pretrained("embedded", device="cpu", dtype=torch.bfloat16)
    start = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    t = 250.0
    sigmas = step_sigmas(sr.schedule, t, STEPS, "timestep")
    scheduler = DDIMScheduler(beta_schedule="linear", clip_sample=False, set_alpha_to_one=True)
    scheduler.set_timesteps(1000)
    unet = sr.denoiser.unet  # type: ignore[attr-defined]

    def run(model: DiffSR) -> Tensor:
        *_, last = sample(model.denoiser, start * float(sigmas[0]), sigmas)
        return last.x

    @torch.inference_mode()
    def diffusers_loop() -> Tensor:
        scheduler.num_inference_steps = STEPS
        x = start
        for step in range(STEPS):
            timestep = int(t) - step * int(t) // STEPS
            x = scheduler.step(unet(x, timestep).sample, timestep, x).prev_sample
        return x

    one_sigma = torch.tensor([float(sigmas[0])])
    print(
        f"{SIZE}x{SIZE} pixels, {STEPS} evaluations, {torch.get_num_threads()} threads, median of {ROUNDS} pairs"
    )
    print(ratio("reverse process: ours / diffusers' DDIM loop", lambda: run(sr), diffusers_loop))
    print(ratio("network precision: bfloat16 / float32", lambda: run(half), lambda: run(sr)))
    for level in get_args(Level):
        predict = partial(sr.predict, 2.7, level=level)
        evaluate = partial(sr.denoiser, start, one_sigma)
        print(ratio(f"prediction ({level}) / one network evaluation", predict, evaluate))


if __name__ == "__main__":
    main()
