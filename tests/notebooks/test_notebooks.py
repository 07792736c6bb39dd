"""Every notebook runs from top to bottom, and nothing inside its widgets failed silently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

# Kernels that start at once may be given the same ports: one worker runs them all.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernels")]

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(
    path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)


def execute(notebook: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    # Two threads on a busy machine can be ten times slower than one.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    client = NotebookClient(
        notebook,
        timeout=300,
        startup_timeout=300,
        kernel_name="python3",
        store_widget_state=True,
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def widget_states(notebook: Any) -> list[dict[str, Any]]:
    saved = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    return [model["state"] for model in saved.get("state", {}).values()]


def failures(notebook: Any) -> list[str]:
    """What a reader of the executed notebook would see go wrong, in cells and inside widgets."""
    found = []
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    states = widget_states(notebook)
    for state in states:
        outputs += state.get("outputs", [])
        if "diffsr-error" in str(state.get("value", "")) and "<style" not in str(state["value"]):
            found.append(f"widget shows: {state['value']}")
    for output in outputs:
        if output["output_type"] == "error":
            found.append(f"{output['ename']}: {output['evalue']}")
        shown = output.get("data", {})
        if str(shown.get("text/plain", "")).startswith("<Figure") and "image/png" not in shown:
            found.append(f"no picture: {shown['text/plain']}")
        if output["output_type"] == "stream" and output["name"] == "stderr":
            found.append(f"stderr: {output['text']}")
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executed = execute(nbformat.read(path, as_version=4), tmp_path, monkeypatch)
    assert failures(executed) == []
    displayed = [
        output
        for cell in executed.cells
        for output in cell.get("outputs", [])
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    ]
    # Were no state saved, there would be nothing in which to look for failures.
    assert bool(displayed) == bool(widget_states(executed))


BROKEN = {
    "a cell raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "an Output widget holds an error": (
        "import ipywidgets\nout = ipywidgets.Output()\ndisplay(out)\nwith out:\n    raise KeyError('inside')",
        "KeyError: 'inside'",
    ),
    "interact's function raises": (
        "def f(x):\n    raise IndexError('interact')\nipywidgets.interact(f, x=ipywidgets.IntSlider(0));",
        "IndexError: interact",
    ),
    "a figure is not drawn": (
        "from matplotlib.figure import Figure\nFigure()",
        "no picture: <Figure size",
    ),
    "the explorer reports an error": (
        "from diffsr_toolkit.widgets import ScaleExplorer\n"
        "explorer = ScaleExplorer()\n"
        "explorer._sources['coffee'] = lambda: int('explorer')\n"
        "explorer.image.value = 'coffee'\n"
        "explorer.widget",
        "Unexpected ValueError",
    ),
}


def test_failures_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = {"tags": ["raises-exception"]}
    cells = [nbformat.v4.new_code_cell(source, metadata=tags) for source, _ in BROKEN.values()]
    found = failures(execute(nbformat.v4.new_notebook(cells=cells), tmp_path, monkeypatch))
    missed = [case for case, (_, message) in BROKEN.items() if not any(message in text for text in found)]
    assert missed == []
