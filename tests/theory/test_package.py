"""The package opens lazily, its rooms offer what they list, and its errors are one family."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import theory
from theory.errors import ScaleError, SpectrumError, TimestepError, ToolkitError


@pytest.mark.parametrize("name", theory.__all__)
def test_every_public_name_resolves(name):
    assert getattr(theory, name).__name__ == name
    assert name in dir(theory)


ROOMS = sorted(stub.parent.name for stub in Path(theory.__file__).parent.glob("*/__init__.pyi"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_offers_what_it_lists(room):
    face = import_module(f"theory.{room}")
    assert face.__all__ and face.__doc__ and face.__doc__.strip(". ")
    files = {path.stem for path in Path(face.__file__).parent.glob("*.py")}
    for name in face.__all__:
        # A file that is imported hides what its face offers under the same name.
        assert name not in files or isinstance(getattr(face, name), ModuleType)
        getattr(face, name)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        theory.nonsense  # noqa: B018


@pytest.mark.parametrize("error", [ScaleError, SpectrumError, TimestepError])
def test_errors_are_one_family(error):
    assert issubclass(error, ToolkitError) and issubclass(error, ValueError)


def test_a_prediction_needs_neither_scipy_nor_sympy_nor_torch():
    program = (
        "import sys; from theory import PRF, NoiseSchedule, PowerLaw;"
        "PRF(NoiseSchedule.linear(), PowerLaw(2e-4, 3.0)).predict(4);"
        "print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert loaded.isdisjoint({"scipy", "sympy", "torch"})
