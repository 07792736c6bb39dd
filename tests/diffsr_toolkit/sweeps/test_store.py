"""A sweep's folder: whole files only, one protocol, and a clear word on whatever is wrong."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from diffsr_toolkit.errors import StoreError
from diffsr_toolkit.sweeps import Store, read_store

PROTOCOL = {"model": "embedded", "steps": 10, "eta": 0.0, "metrics": ["psnr_y", "ssim"]}
TASK = {"image": "a", "digest": "00ff", "scale": (2.7, 2.7), "t": 123.4, "seed": 0}
ROWS = [
    {"metric": "psnr_y", "value": 31.25, "t": 123.4},
    {"metric": "ssim", "value": math.inf, "t": math.nan},
]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def task_file(folder: Path) -> Path:
    (path,) = folder.glob("task-*.json")
    return path


def test_a_finished_task_is_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "a"
    Store(folder, PROTOCOL).save(TASK, ROWS)
    again = Store(folder, PROTOCOL)
    loaded = again.load(TASK)
    assert loaded is not None
    assert loaded[0] == ROWS[0]
    assert loaded[1]["value"] == math.inf
    assert math.isnan(loaded[1]["t"])
    assert len(again.rows()) == 2
    assert len(names(folder)) == 2


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"t": 123.0}, {"t": None}, {"scale": (2.7, 2.8)}, {"digest": "00fe"}, {"image": "b"}],
)
def test_another_task_is_not(tmp_path: Path, change: dict) -> None:
    store = Store(tmp_path, PROTOCOL)
    store.save(TASK, ROWS)
    assert store.load(TASK | change) is None


def test_saving_twice_replaces(tmp_path: Path) -> None:
    store = Store(tmp_path, PROTOCOL)
    store.save(TASK, ROWS)
    store.save(TASK, ROWS[:1])
    assert store.load(TASK) == ROWS[:1]
    assert len(names(tmp_path)) == 2


def test_without_a_folder_nothing_is_kept() -> None:
    store = Store(None, PROTOCOL)
    store.save(TASK, ROWS)
    assert store.load(TASK) is None
    assert store.rows() == []


def test_read_store_gives_protocol_and_rows(tmp_path: Path) -> None:
    store = Store(tmp_path, PROTOCOL)
    store.save(TASK, ROWS[:1])
    store.save(TASK | {"seed": 1}, ROWS[:1])
    protocol, rows = read_store(tmp_path)
    assert protocol == PROTOCOL
    assert rows == [ROWS[0], ROWS[0]]


@pytest.mark.parametrize("key", ["steps", "new"])
def test_another_protocol_is_refused(tmp_path: Path, key: str) -> None:
    Store(tmp_path, PROTOCOL)
    with pytest.raises(StoreError, match=rf"{key}=.*now {key}=20"):
        Store(tmp_path, PROTOCOL | {key: 20})
    assert json.loads((tmp_path / "protocol.json").read_text()) == PROTOCOL


def test_a_folder_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"protocol\.json"):
        read_store(tmp_path)
    with pytest.raises(StoreError, match=r"protocol\.json"):
        read_store(tmp_path / "absent")
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", ["", '{"rows": [', "[]", "3", '{"task": {}}', '{"rows": 3}'])
def test_a_damaged_task_is_named(tmp_path: Path, content: str) -> None:
    store = Store(tmp_path, PROTOCOL)
    store.save(TASK, ROWS)
    task_file(tmp_path).write_text(content)
    for read in (store.rows, lambda: store.load(TASK), lambda: read_store(tmp_path)):
        with pytest.raises(StoreError, match=task_file(tmp_path).name):
            read()


@pytest.mark.parametrize("content", ["", "{", "3"])
def test_a_damaged_protocol_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "protocol.json").write_text(content)
    with pytest.raises(StoreError, match=r"protocol\.json"):
        Store(tmp_path, PROTOCOL)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("taken")
    with pytest.raises(StoreError, match="writable"):
        Store(tmp_path / "file" / "store", PROTOCOL)
    assert names(tmp_path) == ["file"]


def test_a_failing_write_leaves_the_finished_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, PROTOCOL)
    store.save(TASK, ROWS[:1])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(source: object, target: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    for task in (TASK, TASK | {"seed": 1}):
        with pytest.raises(StoreError, match="no space left"):
            store.save(task, ROWS)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_an_interrupted_write_left_is_not_read(tmp_path: Path) -> None:
    store = Store(tmp_path, PROTOCOL)
    store.save(TASK, ROWS[:1])
    task_file(tmp_path).with_suffix(".123.partial").write_text('{"rows": [')
    assert store.rows() == ROWS[:1]
