from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage import data
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from diffsr_toolkit.errors import ImageError, ScaleError, ToolkitError
from diffsr_toolkit.images import degrade, upsample
from diffsr_toolkit.metrics import METRICS, border_shave, evaluate, luma, protocol

CHEAP = ["psnr_rgb", "psnr_y", "ssim", "lr_psnr"]


@pytest.fixture(scope="module")
def hr() -> torch.Tensor:
    return torch.from_numpy(data.chelsea()[60:157, 100:221].copy()).permute(2, 0, 1).float() / 127.5 - 1


def unit(image: torch.Tensor) -> np.ndarray:
    return ((image.double() + 1) / 2).permute(1, 2, 0).numpy()


def test_luma_is_scikit_images_bt601(hr):
    np.testing.assert_allclose(luma(hr).numpy(), rgb2ycbcr(unit(hr))[..., 0] / 255, rtol=0, atol=1e-12)


def test_luma_of_grey_is_that_of_equal_channels(hr):
    assert torch.equal(luma(hr[:1]), luma(hr[:1].expand(3, -1, -1)))
    assert float(luma(torch.ones(1, 1, 1))) == pytest.approx(235 / 255)
    assert float(luma(-torch.ones(1, 1, 1))) == pytest.approx(16 / 255)


@pytest.mark.parametrize(("scale", "shave"), [(2.7, 3), ((1.6, 4), 4), (1, 1)])
def test_values_equal_scikit_images_on_the_shaved_image(hr, scale, shave):
    lr = degrade(hr, scale)
    noise = torch.randn(hr.shape, generator=torch.Generator().manual_seed(0))
    restored = (upsample(lr, hr.shape[-2:]) + 0.05 * noise).clamp(-1, 1)
    result = evaluate(restored, hr, lr, scale, metrics=CHEAP)
    inner = (slice(shave, -shave), slice(shave, -shave))
    a, b = unit(restored)[inner], unit(hr)[inner]
    ya, yb = rgb2ycbcr(a)[..., 0] / 255, rgb2ycbcr(b)[..., 0] / 255
    ssim = structural_similarity(
        ya, yb, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    low = unit(degrade(restored, scale).clamp(-1, 1))
    assert result == pytest.approx(
        {
            "psnr_rgb": peak_signal_noise_ratio(b, a, data_range=1.0),
            "psnr_y": peak_signal_noise_ratio(yb, ya, data_range=1.0),
            "ssim": ssim,
            "lr_psnr": peak_signal_noise_ratio(unit(lr.clamp(-1, 1)), low, data_range=1.0),
        },
        abs=1e-6,
    )


def test_a_known_error_gives_a_known_psnr():
    hr = torch.zeros(3, 32, 32, dtype=torch.float64)
    result = evaluate(hr + 0.2, hr, hr, 1, metrics=["psnr_rgb"])
    assert result["psnr_rgb"] == pytest.approx(20)


def test_the_original_scores_the_best_of_every_metric(hr):
    lr = degrade(hr, 3)
    worse = evaluate(upsample(lr, hr.shape[-2:]), hr, lr, 3)
    best = evaluate(hr, hr, lr, 3)
    assert list(best) == list(METRICS)
    assert best["psnr_rgb"] == best["psnr_y"] == best["lr_psnr"] == math.inf
    assert best["ssim"] == pytest.approx(1)
    assert best["feature_distance"] == 0
    for name, metric in METRICS.items():
        assert (best[name] > worse[name]) == metric.higher_is_better


def test_the_restored_image_is_clipped_and_not_quantised(hr):
    white = torch.ones(3, 32, 32)
    assert evaluate(white * 1.5, white, white, 1, metrics=["psnr_rgb"])["psnr_rgb"] == math.inf
    result = evaluate(white - 1e-4, white, white, 1, metrics=["psnr_rgb"])
    assert result["psnr_rgb"] == pytest.approx(-20 * math.log10(5e-5), abs=0.1)


def test_the_border_is_left_out_of_hr_metrics_only(hr):
    lr = degrade(hr, 2)
    spoiled = hr.clone()
    spoiled[:, :2], spoiled[:, -2:], spoiled[:, :, :2], spoiled[:, :, -2:] = 1, 1, 1, 1
    result = evaluate(spoiled, hr, lr, 2)
    assert result["psnr_rgb"] == result["psnr_y"] == math.inf
    assert result["feature_distance"] == 0
    assert result["lr_psnr"] < 40
    assert evaluate(spoiled, hr, lr, 2, shave=1, metrics=["psnr_rgb"])["psnr_rgb"] < 40


@pytest.mark.parametrize(
    ("shape", "scale", "expected"),
    [((100, 100), 2.7, 3), ((100, 100), (1.2, 4), 4), ((100, 15), 8, 2), ((11, 50), 4, 0), ((1, 1), 9, 0)],
)
def test_default_shave(shape, scale, expected):
    assert border_shave(shape, scale) == expected


@pytest.mark.parametrize("shave", [-1, 5, True, 1.5])
def test_unusable_shaves_are_refused(shave):
    with pytest.raises(ImageError, match="from 0 to 4"):
        border_shave((10, 20), 2, shave)


def test_grey_and_tiny_images_are_measured():
    hr = torch.linspace(-1, 1, 35).reshape(1, 5, 7)
    result = evaluate(hr * 0.9, hr, degrade(hr, 2), 2)
    assert math.isnan(result["ssim"])
    assert all(math.isfinite(value) for name, value in result.items() if name != "ssim")


def test_protocol_says_what_was_done():
    shape = (100, 100)
    assert protocol("psnr_y", shape, 2.7) == {
        "channel": "Y",
        "value_range": "[0, 1]",
        "shave": 3,
        "kernel": "bicubic (Keys a=-0.5, antialiased)",
    }
    assert protocol("lr_psnr", shape, 2.7)["shave"] == 0
    assert protocol("psnr_rgb", shape, 2.7, shave=7)["shave"] == 7
    assert protocol("feature_distance", shape, 2.7)["value_range"] == "[-1, 1]"


def test_unusable_arguments_are_refused(hr):
    lr = degrade(hr, 2)
    with pytest.raises(ToolkitError, match="'lpips' is unknown"):
        evaluate(hr, hr, lr, 2, metrics=["lpips"])
    with pytest.raises(ImageError, match="belong"):
        evaluate(hr[:, 1:], hr, lr, 2)
    with pytest.raises(ImageError, match="belong"):
        evaluate(hr, hr, lr[:1], 2)
    with pytest.raises(ImageError, match="restored holds nan"):
        evaluate(hr * math.nan, hr, lr, 2)
    with pytest.raises(ImageError, match="lr of shape"):
        evaluate(hr, hr, lr[None], 2)
    with pytest.raises(ScaleError):
        evaluate(hr, hr, lr, 0.5)
