"""The calibration: gains by candidate, their optimum, and what lies beyond the schedule's ends."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from diffsr_toolkit import DiffSR
from diffsr_toolkit.prediction import image_spectrum
from diffsr_toolkit.images import degrade
from diffsr_toolkit.calibration import (
    CANDIDATES,
    SCALE,
    best_log_snr,
    image_share,
    mean_curves,
    optimum,
    photograph,
    sweep_candidates,
)
from theory.schedules import NoiseSchedule

LINEAR = NoiseSchedule.linear()


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
    sr = DiffSR(lambda x, sigma: x, LINEAR, channels=3, name="identity")
    frame = sweep_candidates(
        sr, [folder / "smooth.png"], 96, [0], folder / "store", {"steps": 1, "samples": 1, "eta": 0.0}
    )
    lr = degrade(photograph(folder / "smooth.png", 96), SCALE)
    return frame, float(image_spectrum(lr, (SCALE, SCALE))(0.5 / SCALE))


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


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_share_is_the_slope_on_the_images_own_power(share: float) -> None:
    rows = []
    generator = np.random.default_rng(1)
    for image, log_power in enumerate(np.linspace(-6, -2, 12)):
        best = 3.0 - share * log_power + 0.05 * generator.standard_normal()
        for log_snr in np.arange(-4.0, 16.0):
            gain = -((log_snr - best) ** 2)
            head = {
                "image": image,
                "method": "diffsr",
                "cutoff_psd": np.exp(log_power),
                "snr": np.exp(log_snr),
            }
            rows += [
                head | {"metric": metric, "value": sign * gain}
                for metric, sign in (("psnr_rgb", 1), ("ssim", 1), ("feature_distance", -1))
            ]
    found = image_share([pd.DataFrame(rows)])
    assert found["share"] == pytest.approx(share, abs=4 * found["std"] + 1e-3) and found["std"] < 0.03
    assert found["at_edge"] == 0


def test_metrics_that_err_alike_tell_no_more_than_one() -> None:
    # The photographs' own scatter is shared: three equal metrics must not make the share look more certain.
    def optima(metrics: tuple[str, ...]) -> pd.DataFrame:
        generator = np.random.default_rng(2)
        rows = []
        for image, log_power in enumerate(np.linspace(-6, -2, 20)):
            best = 3.0 - 0.5 * log_power + generator.standard_normal()
            for log_snr in np.arange(-4.0, 16.0, 0.5):
                head = {"image": image, "method": "diffsr", "cutoff_psd": np.exp(log_power)}
                rows += [
                    head | {"metric": metric, "snr": np.exp(log_snr), "value": -((log_snr - best) ** 2)}
                    for metric in metrics
                ]
        return pd.DataFrame(rows)

    one, three = (image_share([optima(metrics)])["std"] for metrics in (("ssim",), ("ssim", "psnr_rgb")))
    assert three == pytest.approx(one, rel=1e-6) and 0.05 < one < 0.3
