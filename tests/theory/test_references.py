"""What the documentation names exists: every dotted name between backquotes is found by import."""

from __future__ import annotations

import ast
import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("theory", "diffsr_toolkit/blind")
    for path in (ROOT / folder).rglob("*.py")
)
QUOTED = re.compile(r"(`+)(.+?)\1", re.DOTALL)
NAME = re.compile(r"\b(?:theory|diffsr_toolkit)(?:\.[A-Za-z_]\w*)+")


def references(source: str) -> set[str]:
    """Dotted names between the backquotes of a file's docstrings, those of constants too."""
    texts = (
        node.value.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
    return {name for text in texts for _, quoted in QUOTED.findall(text) for name in NAME.findall(quoted)}


def resolve(name: str) -> object:
    """What a dotted name stands for: the longest module of its parts, then attributes."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            module = import_module(".".join(parts[:length]))
        except ModuleNotFoundError as error:
            if not name.startswith(str(error.name)):
                raise
            continue
        return reduce(getattr, parts[length:], module)
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("file", FILES)
def test_what_it_names_exists(file):
    missing = set()
    for name in references((ROOT / file).read_text(encoding="utf-8")):
        try:
            resolve(name)
        except (ModuleNotFoundError, AttributeError):
            missing.add(name)
    assert not missing, f"{file} names what is not there: {', '.join(sorted(missing))}"


def test_names_are_found_and_a_wrong_one_is_told():
    source = '"""See `theory.prf.PRF.predict`, ``python -m theory.lecture`` and theory.no."""\nX = 1\n"""`theory.X`"""'
    assert references(source) == {"theory.prf.PRF.predict", "theory.lecture", "theory.X"}
    assert callable(resolve("theory.prf.PRF.predict"))
    for wrong in ("theory.nowhere", "theory.prf.PRF.guess", "nowhere.at_all"):
        with pytest.raises((ModuleNotFoundError, AttributeError)):
            resolve(wrong)
    assert len(FILES) > 50
