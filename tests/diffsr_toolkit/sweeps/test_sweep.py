from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from diffsr_toolkit import DiffSR, Predictor, SamplingSettings
from diffsr_toolkit.columns import DIFFSR
from diffsr_toolkit.errors import ImageError, ScaleError, StoreError, TimestepError, ToolkitError
from diffsr_toolkit.images import degrade, upsample
from diffsr_toolkit.metrics import evaluate
from diffsr_toolkit.sweeps import read_store, run_sweep
from theory.schedules import NoiseSchedule

METRICS = ["psnr_rgb", "lr_psnr"]


class Counting:
    """Wiener-like denoiser that counts its evaluations and can be killed before one of them."""

    channels = 3

    def __init__(self, kill_at: int | None = None) -> None:
        self.calls = 0
        self.kill_at = kill_at

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        if self.calls == self.kill_at:
            raise KeyboardInterrupt
        self.calls += 1
        return x / (1 + sigma.view(-1, 1, 1, 1) ** 2)


def restorer(kill_at: int | None = None) -> DiffSR:
    return DiffSR(Counting(kill_at), NoiseSchedule.linear())


def calls(sr: DiffSR) -> int:
    return sr.denoiser.function.calls  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def images() -> dict[str, torch.Tensor]:
    grid = torch.linspace(-1, 1, 24)
    ramp = torch.stack([grid[:, None] * grid, grid[:, None].expand(24, 24), grid.expand(24, 24)])
    noise = torch.rand((3, 20, 28), generator=torch.Generator().manual_seed(0)) * 2 - 1
    return {"ramp": ramp, "noise": noise}


def sweep(sr: DiffSR, images: dict[str, torch.Tensor], **changes: object) -> pd.DataFrame:
    options = {
        "scales": [2, 3.5], "timesteps": [30, 90.5], "metrics": METRICS, "seeds": [0, 7], "steps": 3, "progress": False,
    }  # fmt: skip
    return sr.sweep(images, **(options | changes))


@pytest.mark.parametrize(("consistency", "samples"), [(True, 1), (False, 1), (False, 2)])
def test_a_row_is_the_restoration_of_the_same_seed_and_timestep(images, consistency, samples):
    sr = restorer()
    settings = {"steps": 3, "eta": 0.5, "consistency": consistency, "samples": samples}
    frame = sweep(sr, images, **settings)
    assert len(frame) == 2 * 2 * (2 + 2 * 2) * len(METRICS)
    for (name, scale, t, seed), rows in frame[frame["method"] == "diffsr"].groupby(
        ["image", "scale_y", "t", "seed"]
    ):
        hr = images[name]
        lr = degrade(hr, scale)
        restored, nfe = sr.restorer.restore(lr, hr.shape[-2:], t, SamplingSettings(**settings), seed=seed)
        expected = evaluate(restored, hr, lr, scale, metrics=METRICS)
        assert dict(zip(rows["metric"], rows["value"], strict=True)) == expected
        assert (rows["nfe"] == nfe).all()
        assert (rows["snr"] == sr.schedule.snr(t)).all()
        assert (rows["t_pred"] == sr.predict(scale, lr, **settings).t_opt).all()


def test_upscale_gives_the_image_that_a_row_measured(images):
    sr = restorer()
    hr = images["ramp"]
    lr = degrade(hr, 2)
    frame = sweep(sr, {"ramp": hr}, scales=[2], seeds=[7])
    out = sr.upscale(lr, size=(24, 24), t=90.5, steps=3, seed=7)
    row = frame[(frame["t"] == 90.5) & (frame["metric"] == "psnr_rgb")]
    assert row["value"].item() == evaluate(out.image, hr, lr, 2, metrics=["psnr_rgb"])["psnr_rgb"]


def test_bicubic_rows_are_the_enlargement(images):
    frame = sweep(restorer(), images, metrics=["psnr_rgb"])
    rows = frame[(frame["method"] == "bicubic") & (frame["image"] == "noise") & (frame["scale_y"] == 3.5)]
    hr = images["noise"]
    lr = degrade(hr, 3.5)
    expected = evaluate(upsample(lr, hr.shape[-2:]), hr, lr, 3.5, metrics=["psnr_rgb"])["psnr_rgb"]
    assert rows["value"].tolist() == [expected]
    assert rows["nfe"].tolist() == [0]
    assert rows["effective_scale_y"].tolist() == [20 / 6]


def test_back_projection_agrees_better_with_the_input_than_bicubic(images):
    frame = sweep(restorer(), images, metrics=["lr_psnr"]).set_index("method")
    assert (frame.loc["back_projection", "value"].to_numpy() > frame.loc["bicubic", "value"].to_numpy()).all()
    assert (frame.loc["back_projection", "nfe"] == 0).all()


def test_a_new_prediction_leaves_a_store_valid(images, tmp_path, monkeypatch):
    sweep(restorer(), images, store=tmp_path)
    sr = restorer()
    other = restorer().predict(6.0)
    monkeypatch.setattr(Predictor, "predict", lambda *_, **__: other)
    frame = sweep(sr, images, store=tmp_path)
    assert calls(sr) == 0
    assert set(frame["t_pred"]) == {other.t_opt}


def test_seeds_differ_and_repeat(images):
    frame = sweep(restorer(), images)
    again = sweep(restorer(), images)
    pd.testing.assert_series_equal(frame["value"], again["value"])
    diffsr = frame[(frame["method"] == "diffsr") & (frame["metric"] == "psnr_rgb")]
    values = diffsr.pivot_table(index=["image", "scale_y", "t"], columns="seed", values="value")
    assert (values[0] != values[7]).all()


@pytest.mark.parametrize("kill_at", [0, 7, 20])
def test_a_killed_sweep_goes_on_with_equal_results(images, tmp_path, kill_at):
    whole = sweep(restorer(), images)
    with pytest.raises(KeyboardInterrupt):
        sweep(restorer(kill_at), images, store=tmp_path / "store")
    (tmp_path / "store" / "task-0.1.partial").write_text("{half")
    resumed = restorer()
    frame = sweep(resumed, images, store=tmp_path / "store")
    pd.testing.assert_frame_equal(frame.drop(columns="seconds"), whole.drop(columns="seconds"))
    # Restorations of 3 evaluations; an unfinished one is done again.
    assert calls(resumed) == 3 * (16 - kill_at // 3)


def test_a_finished_sweep_evaluates_nothing_and_can_grow(images, tmp_path):
    sweep(restorer(), images, store=tmp_path)
    again = restorer()
    frame = sweep(again, images, store=tmp_path)
    assert calls(again) == 0
    protocol, rows = read_store(tmp_path)
    assert protocol["steps"] == 3
    assert len(rows) == len(frame)
    sweep(again, images, store=tmp_path, seeds=[0, 7, 8])
    assert calls(again) == 3 * 8


def test_spacing_is_handed_on_and_part_of_the_protocol(images, tmp_path):
    usual = sweep(restorer(), images, store=tmp_path / "usual")
    even = sweep(restorer(), images, spacing="timestep", store=tmp_path / "even")
    assert set(usual["spacing"]) == {"log_snr"} and set(even["spacing"]) == {"timestep"}
    assert not np.array_equal(usual["value"], even["value"])
    hr = images["ramp"]
    lr = degrade(hr, 2)
    settings = SamplingSettings(steps=3, spacing="timestep")
    restored, _ = restorer().restorer.restore(lr, hr.shape[-2:], 90.5, settings, seed=7)
    row = even[
        (even["image"] == "ramp") & (even["scale_y"] == 2) & (even["t"] == 90.5) & (even["seed"] == 7)
    ].set_index("metric")
    expected = evaluate(restored, hr, lr, 2, metrics=METRICS)
    assert row["value"].to_dict() == expected
    assert json.loads((tmp_path / "usual" / "protocol.json").read_text())["spacing"] == "log_snr"
    with pytest.raises(StoreError, match="spacing='timestep'"):
        sweep(restorer(), images, spacing="timestep", store=tmp_path / "usual")
    with pytest.raises(TimestepError, match="log_snr"):
        sweep(restorer(), images, spacing="even")


@pytest.mark.parametrize("change", [{"steps": 4}, {"eta": 1.0}, {"metrics": ["psnr_y"]}, {"samples": 2}])
def test_another_protocol_is_refused(images, tmp_path, change):
    sweep(restorer(), images, store=tmp_path)
    with pytest.raises(StoreError, match=f"{next(iter(change))}=.*choose another folder"):
        sweep(restorer(), images, store=tmp_path, **change)


def test_an_image_that_changed_is_measured_again(images, tmp_path):
    first = sweep(restorer(), {"a": images["ramp"]}, store=tmp_path)
    second = sweep(restorer(), {"a": -images["ramp"]}, store=tmp_path)
    assert len(first) == len(second)
    assert not np.array_equal(first["value"], second["value"])


@pytest.mark.parametrize("content", ["", "{", '{"task": 1}', "[]", "5"])
def test_a_damaged_file_is_named(images, tmp_path, content):
    sweep(restorer(), images, store=tmp_path)
    damaged = sorted(tmp_path.glob("task-*.json"))[3]
    damaged.write_text(content)
    with pytest.raises(StoreError, match=damaged.name):
        sweep(restorer(), images, store=tmp_path)
    with pytest.raises(StoreError, match=damaged.name):
        read_store(tmp_path)


def test_what_is_no_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match="no sweep store"):
        read_store(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="writable"):
        sweep(restorer(), {"a": torch.zeros(3, 16, 16)}, store=tmp_path / "file")


def test_store_files_are_json_with_their_task(images, tmp_path):
    sweep(restorer(), images, store=tmp_path, seeds=[5])
    tasks = [json.loads(path.read_text())["task"] for path in tmp_path.glob("task-*.json")]
    assert len(tasks) == 2 * 2 * 4
    assert {task["seed"] for task in tasks if task["method"] == "diffsr"} == {5}


def test_automatic_timesteps_hold_the_prediction_in_octaves(images):
    sr = restorer()
    frame = sweep(sr, images, timesteps="auto", seeds=[0], scales=[2])
    for _, rows in frame[frame["method"] == "diffsr"].groupby("image"):
        t = np.sort(rows["t"].unique())
        assert rows["t_pred"].iloc[0] in t
        np.testing.assert_allclose(np.diff(np.log2(sr.schedule.sigma(t))), 1, atol=1e-9)


def test_paths_are_named_after_their_files(tmp_path):
    Image.new("RGB", (16, 16), (200, 30, 90)).save(tmp_path / "plain.png")
    frame = sweep(restorer(), [tmp_path / "plain.png"], scales=[2], timesteps=[40.0], seeds=[0])
    assert set(frame["image"]) == {"plain"}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"timesteps": "all"}, TimestepError),
        ({"timesteps": [5000.0]}, TimestepError),
        ({"scales": [0.5]}, ScaleError),
        ({"metrics": ["beauty"]}, ToolkitError),
    ],
)
def test_bad_settings_write_nothing(images, tmp_path, change, error):
    sr = restorer()
    with pytest.raises(error):
        sweep(sr, images, store=tmp_path / "store", **change)
    assert not (tmp_path / "store").exists()
    assert calls(sr) == 0


def test_images_need_distinct_names(tmp_path):
    with pytest.raises(ImageError, match="at least one"):
        sweep(restorer(), [])
    with pytest.raises(ImageError, match="twice"):
        sweep(restorer(), [tmp_path / "x.png", "x.png"])


def run(sr, images, **changes):
    """As ``sweep``, through the function that tells of every finished task."""
    found = []
    settings = SamplingSettings(steps=3)
    options = {"scales": [2], "timesteps": [30.0, 90.5], "metrics": METRICS, "progress": False}
    frame = run_sweep(
        sr.restorer, sr.predictor, images, settings=settings, on_measured=found.append, **(options | changes)
    )
    return frame, found


def test_a_sweep_tells_each_restoration_with_its_image(images):
    sr = restorer()
    frame, found = run(sr, {"ramp": images["ramp"]})
    assert [measured.task.method for measured in found] == ["bicubic", "back_projection", DIFFSR, DIFFSR]
    assert [row["value"] for measured in found for row in measured.rows] == frame["value"].tolist()
    task = found[-1].task
    expected, _ = sr.restorer.restore(task.lr, task.size, task.t, SamplingSettings(steps=3), seed=task.seed)
    assert torch.equal(found[-1].restored, expected)


def test_a_store_keeps_the_images_where_that_was_asked_for(images, tmp_path):
    _, first = run(restorer(), images, store=tmp_path, keep_images=True)
    again = restorer()
    _, second = run(again, images, store=tmp_path, keep_images=True)
    assert calls(again) == 0
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.restored, other.restored)
        assert [row["value"] for row in one.rows] == [row["value"] for row in other.rows]
    assert not list(tmp_path.glob("*.tmp"))


def test_images_that_an_earlier_sweep_threw_away_are_made_again(images, tmp_path):
    frame, without = run(restorer(), images, store=tmp_path)
    assert not list(tmp_path.glob("*.npy"))
    resumed = restorer()
    _, found = run(resumed, images, store=tmp_path)
    assert calls(resumed) == 0 and all(measured.restored is None for measured in found)
    late = restorer()
    again, found = run(late, images, store=tmp_path, keep_images=True)
    assert calls(late) == 3 * 4
    assert all(torch.equal(one.restored, other.restored) for one, other in zip(found, without, strict=True))
    pd.testing.assert_series_equal(again["value"], frame["value"])


@pytest.mark.parametrize("content", [b"", b"no array"])
def test_a_damaged_image_is_named(images, tmp_path, content):
    run(restorer(), {"a": images["ramp"]}, store=tmp_path, keep_images=True)
    damaged = sorted(tmp_path.glob("*.npy"))[0]
    damaged.write_bytes(content)
    with pytest.raises(StoreError, match=damaged.name):
        run(restorer(), {"a": images["ramp"]}, store=tmp_path, keep_images=True)
