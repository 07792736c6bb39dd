"""The rooms: who may import whom (import-linter), only through faces, and no file that holds everything."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import diffsr_toolkit

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(path for package in ("theory", "diffsr_toolkit") for path in (ROOT / package).rglob("*.py"))
FACES = sorted(path for package in ("theory", "diffsr_toolkit") for path in (ROOT / package).rglob("*.pyi"))
OFFERED = set(diffsr_toolkit.__all__)
LONGEST = 300


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(name: str) -> str:
    """The package whose face others must use: the innermost one with a face."""
    while name and not (ROOT / name.replace(".", "/") / "__init__.pyi").exists():
        name = name.rpartition(".")[0]
    return name


def imports(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, []) for alias in node.names)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_other_rooms_are_entered_by_their_faces(path: Path) -> None:
    own, found = room(module(path)), []
    for line, name, names in imports(path):
        if name.partition(".")[0] not in ("theory", "diffsr_toolkit"):
            continue
        entered = room(name)
        by_face = name == entered or (
            "." not in name.removeprefix(f"{entered}.") and entered in ("theory", "diffsr_toolkit")
        )
        if entered != own and not by_face and not own.startswith(f"{entered}."):
            found.append(f"line {line}: from {name}; use {entered}")
        # The package's own face would hide an import of a higher room.
        if name == "diffsr_toolkit" and own != "diffsr_toolkit" and not OFFERED.isdisjoint(names):
            found.append(f"line {line}: from diffsr_toolkit import {', '.join(names)}; name the room")
    assert found == []


@pytest.mark.parametrize("face", FACES, ids=relative)
def test_a_face_offers_what_it_lists(face: Path) -> None:
    package = importlib.import_module(module(face))
    files = {path.stem for path in face.parent.glob("*.py")} | {
        path.parent.name for path in face.parent.glob("*/__init__.py")
    }
    for node in ast.parse(face.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                assert alias.asname == alias.name, "a stub offers a name only under that name"
                assert alias.name not in files, f"{alias.name} would be shadowed by the file of that name"
                source = importlib.import_module(f"{package.__name__}.{node.module}")
                assert getattr(package, alias.name) is getattr(source, alias.name)
    assert package.__doc__ and len(package.__doc__) > 20


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


LIGHT = {
    "models": ["models"],
    "predict": ["predict", "--scale", "2.7"],
    "predict, plain": ["predict", "--scale", "2.7", "--no-consistency", "--json"],
    "predict, image": ["predict", "--scale", "2.7", "{photo}"],
}


@pytest.mark.parametrize("command", LIGHT)
def test_predicting_and_listing_load_no_network_library(command: str, tmp_path: Path) -> None:
    from PIL import Image

    photo = tmp_path / "photo.png"
    Image.linear_gradient("L").convert("RGB").resize((64, 48)).save(photo)
    words = [word.format(photo=photo) for word in LIGHT[command]]
    program = (
        "import sys; from diffsr_toolkit.cli import main; code = main(sys.argv[1:]); "
        "print(code, *sys.modules, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, text=True)
    code, *loaded = run.stderr.split()
    assert code == "0" and run.stdout
    heavy = {"torch", "diffusers", "pandas", "matplotlib", "skimage", "sympy", "transformers", "seaborn"}
    assert {name.partition(".")[0] for name in loaded}.isdisjoint(heavy)
