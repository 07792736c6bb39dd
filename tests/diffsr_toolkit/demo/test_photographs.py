"""The demonstration's photographs."""

from __future__ import annotations

import pytest

from diffsr_toolkit.demo import photographs
from diffsr_toolkit.errors import ImageError


def test_photographs_are_whole_and_reduced():
    tensors, notes = photographs(["chelsea", "astronaut"], 64)
    assert {name: tuple(x.shape) for name, x in tensors.items()} == {
        "chelsea": (3, 43, 64), "astronaut": (3, 64, 64),
    }  # fmt: skip
    assert all(float(x.abs().max()) <= 1 for x in tensors.values())
    assert "43 x 64 pixels, reduced from 300 x 451 with bicubic" in notes[0]


def test_a_photograph_is_never_enlarged():
    tensors, notes = photographs(["chelsea"], 4000)
    assert tuple(tensors["chelsea"].shape) == (3, 300, 451)
    assert "as it is" in notes[0]


@pytest.mark.parametrize(
    ("names", "side", "text"),
    [
        (["mona"], 64, "'mona' is unknown"),
        ([], 64, "0 photographs"),
        (["rocket"], 8, "side=8"),
        (["rocket"] * 2, 64, "twice"),
    ],
)
def test_bad_photographs_are_refused(names, side, text):
    with pytest.raises(ImageError, match=text):
        photographs(names, side)
