"""The constant c: gains by candidate, their optimum, and what lies beyond the schedule's ends."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from diffsr_toolkit.calibration import (
    CANDIDATES,
    best_log_snr,
    mean_curves,
    optimum,
    realism_tolerance,
    sweep_candidates,
)
from diffsr_toolkit.datasets import NamedImage, photograph
from diffsr_toolkit.images import degrade
from diffsr_toolkit.prediction import image_spectrum
from diffsr_toolkit.restoration import DiffusionRestorer
from diffsr_toolkit.settings import SamplingSettings
from theory.prf import missing_deficit
from theory.scale import as_scale
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

LINEAR = NoiseSchedule.linear()
SCALE = 4.0
LAW = PowerLaw(5e-4, 2.8)


def test_the_optimum_of_a_parabola_is_found_between_candidates() -> None:
    c = np.exp(np.arange(-3.0, 4.0))
    curve = pd.Series(-((np.log(c) - 0.3) ** 2), index=c)
    found = optimum(curve)
    assert np.log(found["c"]) == pytest.approx(0.3) and not found["at_edge"]
    assert optimum(pd.Series(c, index=c))["at_edge"]


def test_gains_are_signed_so_that_more_is_better() -> None:
    rows = [
        {"image": "a", "method": "bicubic", "c": np.nan, "metric": "psnr_y", "value": 30.0},
        {"image": "a", "method": "bicubic", "c": np.nan, "metric": "feature_distance", "value": 2.0},
        {"image": "a", "method": "diffsr", "c": 1.0, "metric": "psnr_y", "value": 31.0},
        {"image": "a", "method": "diffsr", "c": 1.0, "metric": "feature_distance", "value": 1.5},
    ]
    table = mean_curves(pd.DataFrame(rows))
    assert table.loc[1.0].to_dict() == {"feature_distance": 0.5, "psnr_y": 1.0}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, float]:
    """A smooth photograph, whose power at the cut-off no candidate of much SNR fits, and that power."""
    folder = tmp_path_factory.mktemp("calibrate")
    small = np.random.default_rng(0).integers(90, 140, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((96, 72), Image.Resampling.BICUBIC).save(folder / "smooth.png")
    restorer = DiffusionRestorer(lambda x, sigma: x, LINEAR, channels=3, name="identity")
    picture = NamedImage("smooth", photograph(folder / "smooth.png", 96))
    frame = sweep_candidates(
        restorer, picture, SamplingSettings(steps=1), scale=SCALE, reference=LAW, store=folder / "store"
    )
    return frame, float(image_spectrum(degrade(picture.hr, SCALE), as_scale(SCALE), LAW)(0.5 / SCALE))


def test_a_candidate_beyond_the_schedule_is_measured_at_its_end(swept) -> None:
    frame, cutoff = swept
    ours = frame[frame["method"] == "diffsr"]
    assert set(ours["c"]) == set(CANDIDATES) and set(frame["cutoff_psd"]) == {cutoff}
    beyond = 0
    for c, rows in ours.groupby("c"):
        wanted = c / cutoff
        low, high = (LINEAR.snr(t) for t in (LINEAR.t_max, LINEAR.t_min))
        assert rows["snr"].to_numpy() == pytest.approx(np.clip(wanted, low, high), rel=1e-6)
        beyond += wanted > high
    assert beyond > 1
    # A denoiser that returns its input keeps the noise: the least is best, and shared by all that are clipped.
    best = mean_curves(frame)["psnr_rgb"]
    assert (best.tail(beyond) == best.max()).all() and best.iloc[0] < best.max()
    assert best_log_snr(ours[ours["metric"] == "psnr_rgb"], "psnr_rgb") == pytest.approx(
        float(np.log(LINEAR.snr(LINEAR.t_min)))
    )


def test_a_picture_that_tells_no_spectrum_takes_the_mean_one() -> None:
    restorer = DiffusionRestorer(lambda x, sigma: x, LINEAR, channels=1, name="identity")
    hr = (np.random.default_rng(0).random((1, 20, 20)) * 2 - 1).astype(np.float32)
    picture = NamedImage("tiny", torch.from_numpy(hr))
    frame = sweep_candidates(
        restorer,
        picture,
        SamplingSettings(steps=1),
        scale=SCALE,
        reference=LAW,
        candidates=(1.0, 4.0),
        seeds=(0, 1),
    )
    assert set(frame["cutoff_psd"]) == {float(LAW(1 / 8))}
    ours = frame[(frame["method"] == "diffsr") & (frame["metric"] == "psnr_rgb")]
    assert sorted(zip(ours["c"], ours["seed"], strict=True)) == [(1.0, 0), (1.0, 1), (4.0, 0), (4.0, 1)]


@pytest.mark.parametrize(("c", "tolerance"), [(0.5, 0.1), (34.7, 0.7), (500.0, 0.99)])
def test_the_tolerance_holds_the_optimum_and_is_one(c: float, tolerance: float) -> None:
    assert realism_tolerance(c) == tolerance >= missing_deficit(c)
