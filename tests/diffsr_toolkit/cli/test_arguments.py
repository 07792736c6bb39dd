"""The words of a command line: degradations."""

from __future__ import annotations

import pytest

from diffsr_toolkit.cli.arguments import degradation
from diffsr_toolkit.errors import ToolkitError
from theory.degradation import BICUBIC, Degradation


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bicubic", "bicubic"),
        ("auto", "auto"),
        ("blur=1.2", Degradation(1.2)),
        ("jpeg=40,blur=1.2,noise=0.05", Degradation(1.2, 0.05, 40)),
        ("noise=0", BICUBIC),
    ],
)
def test_degradations_are_read(text: str, expected: object) -> None:
    assert degradation(text) == expected


BAD = "|motion|blur|blur=|blur=x|blur=nan|blur=-1|blur=1,blur=2|jpeg=4.5|jpeg=0|auto,blur=1"


@pytest.mark.parametrize("text", BAD.split("|"))
def test_bad_degradations_are_refused(text: str) -> None:
    with pytest.raises(ToolkitError):
        degradation(text)
