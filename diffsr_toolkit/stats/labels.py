"""What people read: names of metrics, methods and scales."""

from __future__ import annotations

SHORT = {
    "psnr_rgb": "PSNR (RGB)",
    "psnr_y": "PSNR (Y)",
    "ssim": "SSIM",
    "lr_psnr": "LR-PSNR",
    "feature_distance": "feature distance",
}
"""Metrics by name, short enough for the head of a table."""

BICUBIC, PREDICTED, BEST = "bicubic", "Diff-SR, predicted t", "Diff-SR, best t"
INTERPOLATED = "Diff-SR, t interpolated"

BASELINE_LABELS = {"bicubic": BICUBIC, "back_projection": "bicubic, back-projected"}
"""The methods without a network, ``restoration.BASELINES``, by name."""


def scale_label(scale_y: float, scale_x: float) -> str:
    """``"2.7"``, or ``"2 x 3"`` where the axes differ."""
    return f"{scale_y:g}" if scale_y == scale_x else f"{scale_y:g} x {scale_x:g}"
