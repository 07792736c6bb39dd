"""Outputs that would not fit into memory are refused before any work."""

from __future__ import annotations

import pytest

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.images import BYTES_PER_PIXEL, check_memory
from diffsr_toolkit.images.memory import available_memory


def test_memory_that_suffices_is_not_refused():
    needed = check_memory(100, 200, 3, available=2**40)
    assert needed == 100 * 200 * (BYTES_PER_PIXEL + 72)
    assert check_memory(100, 200, 3, available=needed) == needed
    with pytest.raises(ImageError, match="100x200"):
        check_memory(100, 200, 3, available=needed - 1)
    assert check_memory(1, 1, 3) < available_memory()


@pytest.mark.parametrize("scale", [4.0, (2.0, 8.0)])
def test_too_large_an_output_names_the_largest_scale_and_it_fits(scale):
    needed = check_memory(4000, 4000, 3, available=2**60)
    with pytest.raises(ImageError, match="the largest scale that fits is") as refusal:
        check_memory(4000, 4000, 3, available=needed // 3, scale=scale)
    named = str(refusal.value).split("fits is ")[1].split(" (about")[0]
    sy, sx = (float(v) for v in named.strip("()").split(",")) if "(" in named else (float(named),) * 2
    ratio = (sy * sx) / 16
    assert 0.99 / 3 < ratio <= 1 / 3
    assert "GiB" in str(refusal.value)


def test_where_no_scale_fits_that_is_said():
    with pytest.raises(ImageError, match="no scale fits"):
        check_memory(4000, 4000, 3, available=2**20, scale=1.5)


def test_an_astronomical_output_is_refused_on_this_machine():
    with pytest.raises(ImageError, match="available"):
        check_memory(10**9, 10**9, 3, scale=10**7)
