"""What the explorer works on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from diffsr_toolkit.datasets import BUNDLED, bundled_photograph
from diffsr_toolkit.errors import ImageError, StoreError, ToolkitError
from diffsr_toolkit.widgets.inputs import image_sources, nearest_curve, reference_frame
from helpers.tables import sweep_rows


@pytest.fixture
def sweep() -> pd.DataFrame:
    rows = []
    for image, metric in (("wall", "psnr_y"), ("leaf", "psnr_y"), ("leaf", "ssim")):
        for scale in (2.0, 4.0):
            rows += sweep_rows(image, scale, metric, {20.0: [1.0], 60.0: [2.0]})
    return pd.DataFrame(rows)


def test_bundled_photographs_are_loaded_when_asked_for() -> None:
    sources = image_sources()
    assert list(sources) == list(BUNDLED)
    assert all(torch.equal(sources[name](), bundled_photograph(name)) for name in BUNDLED)


def test_images_of_one_s_own_keep_their_names() -> None:
    images = {"a": torch.rand(3, 8, 9) * 2 - 1, "b": torch.rand(1, 9, 8) * 2 - 1}
    sources = image_sources(images)
    assert {name: tuple(load().shape) for name, load in sources.items()} == {"a": (3, 8, 9), "b": (1, 9, 8)}
    assert torch.equal(sources["b"](), images["b"])
    with pytest.raises(ImageError, match="0 images"):
        image_sources({})


def test_the_nearest_curve_is_of_the_same_image_where_there_is_one(sweep: pd.DataFrame) -> None:
    assert nearest_curve(sweep, "leaf", 2.7, "psnr_y") == ("leaf", (2.0, 2.0))
    assert nearest_curve(sweep, "leaf", 2.9, "psnr_y") == ("leaf", (4.0, 4.0))
    assert nearest_curve(sweep, "unknown", 16.0, "psnr_y") == ("wall", (4.0, 4.0))
    assert nearest_curve(sweep[sweep["metric"] == "ssim"], "leaf", 2.0, "psnr_y") is None


def test_reference_must_be_a_sweep(tmp_path: Path, sweep: pd.DataFrame) -> None:
    with pytest.raises(StoreError, match="give a sweep's CSV"):
        reference_frame(tmp_path / "missing.csv")
    with pytest.raises(ToolkitError, match="column"):
        reference_frame(pd.DataFrame({"a": [1]}))
    path = tmp_path / "sweep.csv"
    sweep.to_csv(path, index=False)
    found = reference_frame(path)
    assert found is not None and len(found) == len(sweep)
    shipped = reference_frame()
    assert shipped is not None and set(BUNDLED) <= set(shipped["image"])
