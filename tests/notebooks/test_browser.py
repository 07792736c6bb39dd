"""Explorers in a real browser: JupyterLab runs them, their sliders, menus and buttons are used as a reader would."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernels")]

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "01_pick_a_scale.ipynb"
PATIENCE = 240.0
"""Seconds after which a browser or server that does not answer counts as broken."""

KERNEL_IDLE = """() => {
  const kernel = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === 'connected' && kernel?.status === 'idle';
}"""
CELLS_DONE = """() => {
  const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
  return cells.filter(cell => cell.type === 'code').every(cell => cell.executionCount !== null);
}"""
INNER_SCROLLBARS = """() => [...document.querySelectorAll(
  '.jp-OutputArea, .jp-OutputArea *'
)].filter(element => {
  const style = getComputedStyle(element);
  const bar = (overflow, inside, room) => ['auto', 'scroll'].includes(overflow) && inside > room + 1;
  return bar(style.overflowY, element.scrollHeight, element.clientHeight)
    || bar(style.overflowX, element.scrollWidth, element.clientWidth);
}).map(element => element.className)"""


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a true value, with patience rather than a fixed pause."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"no {what} within {PATIENCE:.0f} s"
        time.sleep(0.2)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_answers(url: str, server: subprocess.Popen[bytes], log: Path) -> bool:
    assert server.poll() is None, f"JupyterLab stopped: {log.read_text()}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the notebook's copy in a JupyterLab that knows nothing of the user's settings."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "work").mkdir()
    shutil.copy(NOTEBOOK, folder / "work" / "copy.ipynb")
    write_study(folder / "work")
    # Asks the network for news otherwise.
    announcements = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    settings = folder / "config" / "labconfig"
    settings.mkdir(parents=True)
    (settings / "page_config.json").write_text(json.dumps(announcements))
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = os.environ | {name: str(folder / place) for name, place in places.items()}
    # Two threads on a busy machine can be ten times slower than one.
    environment["OMP_NUM_THREADS"] = "1"
    port, token = free_port(), secrets.token_hex(16)
    options = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder / 'work'}",
        f"--IdentityProvider.token={token}",
        "--LabApp.expose_app_in_browser=True",
    ]
    log = folder / "lab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            root = f"http://127.0.0.1:{port}"
            wait_until(lambda: server_answers(f"{root}/api?token={token}", server, log), "JupyterLab")
            yield f"{root}/lab/tree/copy.ipynb?token={token}"
        finally:
            # Asked to stop, the server stops its kernels too.
            server.terminate()
            try:
                server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def write_study(folder: Path) -> None:
    """A notebook of the study's explorer alone, and made-up cases for it."""
    rows = []
    arms = {"single": ("psnr_rgb", "feature_distance"), "wiener": ("psnr_rgb",)}
    for (arm, metrics), image, scale in product(arms.items(), ("left", "right"), (2.0, 4.0)):
        for metric, method in product(metrics, ("closed_form, pooled", "best single t")):
            t_best = 5 * scale + len(image) + 3 * len(metrics)
            t_pred = 15.0 if method == "best single t" else 6 * scale + len(metric)
            row = {"arm": arm, "image": image, "scale_y": scale, "scale_x": scale, "metric": metric}
            row |= {"method": method, "t_pred": t_pred, "t_best": t_best, "abs_dt": abs(t_pred - t_best)}
            regret = abs(t_pred - t_best) / 7
            row |= {"regret_percent": regret, "regret_one_seed": regret, "near": 0.0, "beats_bicubic": 1.0}
            rows.append(row | {"at_edge": False, "seeds": 2})
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    sources = (
        "import pandas as pd\nfrom diffsr_toolkit.widgets import StudyExplorer",
        "StudyExplorer(pd.read_csv('cases.csv')).widget",
    )
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    # Without a kernel's name JupyterLab asks for one.
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / "study.ipynb")


def run_notebook(browser: Any, address: str) -> Any:
    """A page with the notebook, opened and run to its end."""
    opened = browser.new_page(viewport={"width": 1500, "height": 1100})
    opened.set_default_timeout(1000 * PATIENCE)
    opened.goto(address)
    opened.wait_for_function(KERNEL_IDLE)
    opened.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    opened.wait_for_function(CELLS_DONE)
    opened.wait_for_function(KERNEL_IDLE)
    return opened


@pytest.fixture(scope="module")
def page(browser: Any, lab: str) -> Iterator[Any]:
    opened = run_notebook(browser, lab)
    opened.locator(".widget-slider .noUi-handle").wait_for()
    yield opened
    opened.close()


def picture(page: Any, index: int = 0) -> str:
    return str(page.locator("img.widget-image").nth(index).get_attribute("src"))


def t_opt(page: Any) -> float:
    return float(page.locator(".diffsr-t-opt").inner_text())


def press(page: Any, key: str, times: int) -> None:
    """Press a key on the scale's handle and wait until the picture follows."""
    before = picture(page)
    handle = page.locator(".widget-slider .noUi-handle")
    for _ in range(times):
        handle.press(key)
    wait_until(lambda: picture(page) != before, f"new picture after {key}")
    page.wait_for_function(KERNEL_IDLE)


def upload(page: Any, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a photograph").click()
    chooser.value.set_files(str(path))


def wait_for_status(page: Any, text: str) -> None:
    """Wait for a message, or for an error instead of it."""
    status = page.locator(".diffsr-status")
    status.filter(has_text=text).or_(page.locator(".diffsr-error")).first.wait_for()
    assert text in status.inner_text()


def test_opens_with_picture_numbers_and_no_error(page: Any) -> None:
    assert picture(page).startswith("blob:")
    assert t_opt(page) > 0
    assert page.locator(".jp-OutputArea-output[data-mime-type*=error], .diffsr-error").count() == 0
    assert page.locator("text=Error displaying widget").count() == 0


def test_slider_moves_the_prediction(page: Any) -> None:
    number = page.locator(".widget-text input[type=number]").first
    scales, optima = [], []
    for _ in range(3):
        scales.append(float(number.input_value()))
        optima.append(t_opt(page))
        press(page, "PageUp", 2)
    assert scales == sorted(set(scales))
    assert optima == sorted(set(optima))


def test_typed_scale_is_kept_exactly(page: Any) -> None:
    number = page.locator(".widget-text input[type=number]").first
    before = picture(page)
    number.fill("3.337")
    number.press("Enter")
    wait_until(lambda: picture(page) != before, "new picture after typing")
    page.wait_for_function(KERNEL_IDLE)
    assert number.input_value() == "3.337"
    assert "x3.337" in page.locator(".diffsr-text").first.inner_text()


def test_upload_restore_and_measure(page: Any, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=(40, 48, 3)).cumsum(0).cumsum(1)
    levels = 255 * (noise - noise.min()) / np.ptp(noise)
    Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "tiny.png")
    upload(page, tmp_path / "tiny.png")
    wait_for_status(page, "tiny: 48 × 40 pixels uploaded")
    steps = page.locator(".widget-text", has_text="Steps").locator("input")
    steps.fill("2")
    steps.press("Enter")
    assert not page.locator(".diffsr-table").is_visible()

    page.get_by_role("button", name="Restore and measure").click()
    wait_for_status(page, "Restored tiny")

    table = page.locator(".diffsr-table").inner_text()
    assert all(text in table for text in ("bicubic", "predicted t", "best t", "PSNR (Y)", "feature distance"))
    shown = page.locator("img.widget-image:visible")
    assert shown.count() == 4
    assert shown.evaluate_all("images => images.every(image => image.naturalWidth > 500)")
    assert page.get_by_role("button", name="Restore and measure").is_enabled()
    assert page.locator(".diffsr-error").count() == 0


def test_corrupt_upload_is_explained(page: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture at all")
    upload(page, tmp_path / "broken.png")
    message = page.locator(".diffsr-error")
    message.wait_for()
    assert "broken.png cannot be read as an image" in message.inner_text()
    press(page, "PageDown", 1)
    assert page.locator(".diffsr-error").count() == 0


def test_outputs_have_no_scrollbars_of_their_own(page: Any) -> None:
    assert page.evaluate(INNER_SCROLLBARS) == []


def test_menus_of_the_study_redraw_figure_and_numbers(browser: Any, lab: str) -> None:
    # In a workspace of its own JupyterLab does not bring back the other notebook.
    address = lab.replace("lab/tree/copy.ipynb", "lab/workspaces/study/tree/study.ipynb")
    page = run_notebook(browser, address)

    def menu(name: str) -> Any:
        return page.locator(".widget-dropdown", has=page.get_by_text(name, exact=True)).locator("select")

    def choose(name: str, label: str) -> str:
        before = picture(page)
        menu(name).select_option(label=label)
        wait_until(lambda: picture(page) != before, f"new picture for {label}")
        page.wait_for_function(KERNEL_IDLE)
        return str(page.locator(".diffsr-text").inner_text())

    page.locator("img.widget-image").wait_for()
    said = [str(page.locator(".diffsr-text").inner_text())]
    said += [choose("Metric", "PSNR (RGB)"), choose("Photograph", "left"), choose("Setting", "Wiener, eta 0")]
    assert [line.split(":")[0] for line in said] == ["4 cases", "4 cases", "2 cases", "2 cases"]
    assert len(set(said)) == 4
    # ipywidgets keeps the spaces of a label from breaking.
    metrics = [text.replace("\xa0", " ") for text in menu("Metric").locator("option").all_inner_texts()]
    assert metrics == ["PSNR (RGB)"]
    chosen = menu("Photograph").evaluate("menu => menu.selectedOptions[0].textContent")
    assert chosen == "left"
    assert picture(page).startswith("blob:") and page.locator(".diffsr-error").count() == 0
    assert page.evaluate(INNER_SCROLLBARS) == []
    page.close()
