"""Power above the cut-off: waves below it do not count, waves above it count by their power."""

from __future__ import annotations

import pytest
import torch

from diffsr_toolkit.metrics import lost_band_power


def test_lost_band_power_counts_only_what_lies_above_the_cutoff() -> None:
    position = torch.arange(64.0)
    low = torch.cos(2 * torch.pi * 4 / 64 * position).expand(1, 64, 64)
    high = torch.cos(2 * torch.pi * 28 / 64 * position).expand(1, 64, 64)
    both = lost_band_power(low + 0.5 * high, 2.0)
    assert lost_band_power(low, 2.0) < 1e-4 * both
    assert lost_band_power(high, 2.0) == pytest.approx(4 * both, rel=1e-3)
