"""Image quality metrics with their protocol: what is compared, in which range, on which pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from diffsr_toolkit.errors import ImageError, ToolkitError
from diffsr_toolkit.images import KERNEL, Size, resize
from diffsr_toolkit.metrics.features import FeatureDistance
from theory.scale import Scale, as_scale

# skimage's Gaussian window for sigma 1.5 truncated at 3.5 sigma, as in Wang et al. (2004).
_SSIM_WINDOW = 11

# restored, hr (both shaved) and restored, lr (both whole), all (C, H, W) in [-1, 1].
Compute = Callable[[torch.Tensor, torch.Tensor], float]


@dataclass(frozen=True)
class Metric:
    """One metric and its protocol.

    Attributes
    ----------
    name : str
        Key in ``METRICS`` and column of the tables.
    label : str
        Name for axes and tables.
    unit : str
        Unit of the value, ``"1"`` for a pure number.
    higher_is_better : bool
    channel : str
        What is compared: ``"RGB"`` or ``"Y"``.
    value_range : str
        Range of the values that are compared, e.g. ``"[0, 1]"``.
    reference : str
        ``"hr"``, compared on shaved images, or ``"lr"``, compared after degradation without a shave.
    compute : callable
        ``compute(image, reference) -> float`` for ``(C, H, W)`` tensors in [-1, 1].
    """

    name: str
    label: str
    unit: str
    higher_is_better: bool
    channel: str
    value_range: str
    reference: str
    compute: Compute


def luma(image: torch.Tensor) -> torch.Tensor:
    """BT.601 luma with studio swing, the Y channel on which super-resolution papers report.

    Parameters
    ----------
    image : torch.Tensor
        ``(C, H, W)`` in [-1, 1] with 3 channels, or 1 that is taken as red, green and blue.

    Returns
    -------
    torch.Tensor
        ``(H, W)`` float64 in [16/255, 235/255]: ``(16 + 65.481 R + 128.553 G + 24.966 B) / 255`` with R, G, B
        in [0, 1], as MATLAB's ``rgb2ycbcr``.

    References
    ----------
    ITU-R BT.601-7, "Studio encoding parameters of digital television", 2011.
    """
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64, device=image.device)
    rgb = ((image.double() + 1) / 2).expand(3, -1, -1)
    return (16 + (weights[:, None, None] * rgb).sum(dim=0)) / 255


def _psnr(x: torch.Tensor, y: torch.Tensor) -> float:
    mse = float((x - y).square().mean())
    return math.inf if mse == 0 else -10 * math.log10(mse)


def _psnr_rgb(x: torch.Tensor, y: torch.Tensor) -> float:
    return _psnr(x.double() / 2, y.double() / 2)


def _psnr_y(x: torch.Tensor, y: torch.Tensor) -> float:
    return _psnr(luma(x), luma(y))


def _ssim(x: torch.Tensor, y: torch.Tensor) -> float:
    if min(x.shape[-2:]) < _SSIM_WINDOW:
        return math.nan
    from skimage.metrics import structural_similarity

    return float(
        structural_similarity(
            luma(x).cpu().numpy(),
            luma(y).cpu().numpy(),
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def _feature_distance(x: torch.Tensor, y: torch.Tensor) -> float:
    return float(FeatureDistance()(x[None], y[None])[0])


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr_rgb", "PSNR (RGB)", "dB", True, "RGB", "[0, 1]", "hr", _psnr_rgb),
        Metric("psnr_y", "PSNR (Y)", "dB", True, "Y", "[0, 1]", "hr", _psnr_y),
        Metric("ssim", "SSIM (Y)", "1", True, "Y", "[0, 1]", "hr", _ssim),
        Metric("lr_psnr", "LR consistency (PSNR)", "dB", True, "RGB", "[0, 1]", "lr", _psnr_rgb),
        Metric(
            "feature_distance", FeatureDistance.name, "1", False, "RGB", "[-1, 1]", "hr", _feature_distance
        ),
    )
}


def _select(metrics: Iterable[str] | None) -> list[Metric]:
    if isinstance(metrics, str):
        metrics = [metrics]
    names = list(METRICS) if metrics is None else list(metrics)
    for name in names:
        if name not in METRICS:
            raise ToolkitError(f"metric {name!r} is unknown; choose among {', '.join(METRICS)}")
    return [METRICS[name] for name in names]


def border_shave(shape: Size, scale: Scale, shave: int | None = None) -> int:
    """Border pixels that are left out of the comparison with the high-resolution image.

    Parameters
    ----------
    shape : (int, int)
        ``(H, W)`` of the compared images.
    scale : float or (float, float)
        The scale of the super-resolution.
    shave : int, optional
        The wanted number. By default ``ceil(max(sy, sx))``, less where fewer than SSIM's 11 pixels would
        remain of a small image.

    Returns
    -------
    int

    Raises
    ------
    ImageError
        If `shave` is negative, not whole, or leaves no pixel.
    """
    side = min(shape)
    if shave is None:
        return min(math.ceil(max(as_scale(scale))), max(0, (side - _SSIM_WINDOW) // 2))
    if isinstance(shave, bool) or not isinstance(shave, int) or not 0 <= 2 * shave < side:
        limit = (side - 1) // 2
        raise ImageError(f"shave {shave!r} must be a whole number from 0 to {limit} for an image of {shape}")
    return shave


def protocol(metric: str, shape: Size, scale: Scale, shave: int | None = None) -> dict[str, str | int]:
    """Columns that say how a metric was computed.

    Parameters
    ----------
    metric : str
        Key of ``METRICS``.
    shape, scale, shave
        As for `border_shave`.

    Returns
    -------
    dict
        ``channel``, ``value_range``, ``shave`` (pixels) and ``kernel`` (of the degradation).

    Raises
    ------
    ToolkitError
        If the metric, the scale or the shave is not usable.
    """
    (chosen,) = _select(metric)
    border = border_shave(shape, scale, shave)
    return {
        "channel": chosen.channel,
        "value_range": chosen.value_range,
        "shave": border if chosen.reference == "hr" else 0,
        "kernel": KERNEL,
    }


def _check(name: str, image: torch.Tensor) -> None:
    if image.ndim != 3 or image.shape[0] not in (1, 3) or image.numel() == 0 or not image.is_floating_point():
        raise ImageError(
            f"{name} of shape {tuple(image.shape)} and {image.dtype} cannot be measured; "
            "give a floating-point (C, H, W) in [-1, 1] with 1 or 3 channels"
        )
    if not torch.isfinite(image).all():
        raise ImageError(f"{name} holds nan or inf; metrics need finite values in [-1, 1]")


def evaluate(
    restored: torch.Tensor,
    hr: torch.Tensor,
    lr: torch.Tensor,
    scale: Scale,
    shave: int | None = None,
    metrics: Iterable[str] | None = None,
) -> dict[str, float]:
    """Measure a restored image against the original and against its own input.

    Parameters
    ----------
    restored, hr : torch.Tensor
        ``(C, H, W)`` in [-1, 1]; `restored` is clipped to that range and not quantised.
    lr : torch.Tensor
        ``(C, h, w)`` in [-1, 1], what `restored` was made of. For ``lr_psnr`` the restored image is reduced
        to this size, and both are clipped to the range.
    scale : float or (float, float)
        The scale, which sets the default border.
    shave : int, optional
        Border in pixels left out of comparisons with `hr`; see `border_shave`.
    metrics : iterable of str, optional
        Keys of ``METRICS``; all by default.

    Returns
    -------
    dict of str to float
        In the order asked for. PSNR of equal images is inf; SSIM is nan where fewer than 11 pixels a side
        remain, since its window does not fit.

    Raises
    ------
    ImageError
        If shapes do not agree, a value is not finite, or the shave leaves no pixel.
    ToolkitError
        If a metric is unknown.

    References
    ----------
    Z. Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Trans.
    Image Processing 13(4), 2004 (SSIM; here its Gaussian window of 11 pixels, sigma 1.5, on Y).
    """
    chosen = _select(metrics)
    for name, image in (("restored", restored), ("hr", hr), ("lr", lr)):
        _check(name, image)
    if restored.shape != hr.shape or lr.shape[0] != hr.shape[0]:
        raise ImageError(
            f"restored {tuple(restored.shape)}, hr {tuple(hr.shape)} and lr {tuple(lr.shape)} do not belong "
            "together; restored and hr need one shape, lr the same number of channels"
        )
    restored = restored.clamp(-1, 1)
    height, width = hr.shape[-2:]
    border = border_shave((height, width), scale, shave)
    inner = (slice(None), slice(border, height - border), slice(border, width - border))
    results = {}
    for metric in chosen:
        if metric.reference == "lr":
            reduced = resize(restored, (lr.shape[-2], lr.shape[-1]))
            results[metric.name] = metric.compute(reduced.clamp(-1, 1), lr.clamp(-1, 1))
        else:
            results[metric.name] = metric.compute(restored[inner], hr[inner])
    return results
