"""How far a picture's own spectrum counts: known shares are found again, and what pictures cannot tell is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from diffsr_toolkit.calibration import FEWEST_PICTURES, image_share

pytestmark = pytest.mark.slow


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


def swept(images: int, powers: float = 1.0, best: float | None = None) -> pd.DataFrame:
    """Pictures whose best log-SNR follows their power by half, or lies at `best`."""
    generator = np.random.default_rng(3)
    rows = []
    for image in range(images):
        log_power = powers * image - 4.0
        own = -0.5 * log_power + 0.1 * generator.standard_normal() if best is None else best
        rows += [
            {"image": image, "method": "diffsr", "cutoff_psd": np.exp(log_power), "metric": "ssim"}
            | {"snr": np.exp(log_snr - log_power), "value": -((log_snr - log_power - own) ** 2)}
            for log_snr in np.arange(-8.0, 9.0)
        ]
    return pd.DataFrame(rows)


def test_pictures_that_cannot_tell_a_share_are_not_asked() -> None:
    assert image_share([swept(FEWEST_PICTURES)], resamples=20)["share"] == pytest.approx(0.5, abs=0.1)
    assert image_share([swept(FEWEST_PICTURES - 1)]) is None
    assert image_share([swept(6, powers=0.0)]) is None
    # Every optimum is the last candidate, whose slope on the power would be 1 for any pictures.
    assert image_share([swept(6, best=99.0)]) is None


def test_a_sampler_whose_optima_are_all_one_end_says_nothing_beside_others() -> None:
    told, ends = swept(8), swept(8, best=99.0)
    both, alone = image_share([told, ends], resamples=20), image_share([told], resamples=20)
    assert both == alone | {"at_edge": 8}
