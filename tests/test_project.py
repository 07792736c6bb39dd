"""The project's frame: generated files are current, declarations hold, imports stay light."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec

import diffsr_toolkit

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {name: list(map(Requirement, lines)) for name, lines in PROJECT["optional-dependencies"].items()}
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
NOTEBOOKS = sorted(
    path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)
HEAVY = ("torch", "diffusers", "sympy", "scipy", "matplotlib", "pandas", "skimage", "transformers")
MACHINE_PATH = re.compile(r"(?<![\w.~}])/(?:home|root|Users|work)/\w|[A-Z]:\\Users\\")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def conda_specs() -> list[str]:
    return [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]


def pip_specs() -> list[str]:
    return next(entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict))


def project_files() -> list[Path]:
    """Return what git tracks or would: neither what is ignored nor what is deleted."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_environment_is_what_pyproject_generates(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    generator = "from pyproject2conda.cli import app; app()"
    subprocess.run(
        [sys.executable, "-c", generator, "project"], cwd=tmp_path, check=True, capture_output=True
    )
    assert (tmp_path / "environment.yml").read_text() == (ROOT / "environment.yml").read_text()


@pytest.mark.parametrize("spec", conda_specs())
def test_conda_spec_parses(spec: str) -> None:
    assert MatchSpec(spec, strict=True).name is not None


def test_environment_has_every_core_dependency_with_its_limits() -> None:
    conda = {str(MatchSpec(spec, strict=True).name.normalized): spec for spec in conda_specs()}
    pip = [Requirement(line) for line in pip_specs() if not line.startswith("-")]
    in_pip = {requirement.name: requirement.specifier for requirement in pip}
    assert ENVIRONMENT["channels"] == ["conda-forge"]
    assert conda["python"] == f"python{PROJECT['requires-python']}"
    assert "--editable ." in pip_specs()
    for requirement in CORE:
        if requirement.name in in_pip:
            assert in_pip[requirement.name] == requirement.specifier
        else:
            name = CONDA_NAMES.get(requirement.name, requirement.name)
            assert conda[name] == f"{name}{requirement.specifier}"


def test_constraints_pin_what_the_extras_ask_for() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"==[\w.]+", str(pin.specifier)) and pin.url is None for pin in pins)
    versions = {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in pins}
    for requirement in [*CORE, *EXTRAS["test"], *EXTRAS["check"], *EXTRAS["text"], *EXTRAS["train"]]:
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])
    assert "torchvision" not in versions


def test_version_is_one() -> None:
    assert diffsr_toolkit.__version__ == PROJECT["version"] == version("diffsr_toolkit")


@pytest.mark.parametrize("package", ["theory", "diffsr_toolkit"])
def test_import_is_light(package: str) -> None:
    program = f"import sys, {package}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert {name.partition(".")[0] for name in run.stdout.split()}.isdisjoint(HEAVY)


@pytest.mark.parametrize("path", sorted((ROOT / "theory").rglob("*.py")), ids=relative)
def test_theory_knows_neither_torch_nor_the_toolkit(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add(str(node.module).partition(".")[0])
    assert imported.isdisjoint({"torch", "diffusers", "diffsr_toolkit"})


def test_the_first_notebook_is_there() -> None:
    assert ROOT / "notebooks" / "01_pick_a_scale.ipynb" in NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=relative)
def test_notebook_has_no_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert "widgets" not in notebook["metadata"]


def test_no_file_names_a_path_of_one_machine() -> None:
    found = []
    for path in project_files():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        lines = content.decode("utf-8", errors="replace").splitlines()
        found += [
            f"{relative(path)}:{number}" for number, line in enumerate(lines, 1) if MACHINE_PATH.search(line)
        ]
    assert found == []


def test_wheel_carries_both_packages_and_the_data(tmp_path: Path) -> None:
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        entry_points = archive.read(f"diffsr_toolkit-{PROJECT['version']}.dist-info/entry_points.txt")
    files = map(relative, project_files())
    expected = {name for name in files if name.startswith(("diffsr_toolkit/", "theory/"))}
    expected |= {
        f"diffsr_toolkit/{name}" for name in map(relative, project_files()) if name.startswith("data/")
    }
    assert names == expected
    assert b"diffsr = diffsr_toolkit.cli:main" in entry_points


def test_browser_shows_a_page(browser) -> None:
    page = browser.new_page()
    page.set_content("<h1>ready</h1>")
    assert page.inner_text("h1") == "ready"
    page.close()
