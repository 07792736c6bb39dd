"""Half precision is used where it was measured to be faster, and nowhere else."""

from __future__ import annotations

import pytest
import torch

from diffsr_toolkit.training import fast_autocast, precision


@pytest.mark.parametrize(("half", "single", "dtype"), [(1.0, 2.0, torch.bfloat16), (2.0, 1.0, torch.float32)])
def test_the_faster_of_the_two_is_taken(
    monkeypatch: pytest.MonkeyPatch, half: float, single: float, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(precision, "_seconds", {torch.bfloat16: half, torch.float32: single}.__getitem__)
    precision.bfloat16_is_faster.cache_clear()
    try:
        with fast_autocast():
            assert torch.nn.functional.linear(torch.ones(2, 2), torch.ones(2, 2)).dtype == dtype
    finally:
        precision.bfloat16_is_faster.cache_clear()


def test_it_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = precision.bfloat16_is_faster()
    monkeypatch.setattr(precision, "_seconds", lambda dtype: pytest.fail("measured again"))
    assert precision.bfloat16_is_faster() is first
