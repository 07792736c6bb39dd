"""A sweep as one page."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from diffsr_toolkit import DiffSR
from diffsr_toolkit.errors import OutputError, ToolkitError
from diffsr_toolkit.reports import (
    comparison_text,
    optima_text,
    png_bytes,
    standard_figures,
    summary_text,
    write_report,
)
from theory.schedules import NoiseSchedule

VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """Collects tags and texts, and refuses what is not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    images = {
        name: torch.rand((3, 20, 20), generator=torch.Generator().manual_seed(i)) * 2 - 1
        for i, name in enumerate(["<i>cat</i>", "dog & pup"])
    }
    sr = DiffSR(lambda x, sigma: x / (1 + sigma.view(-1, 1, 1, 1) ** 2), NoiseSchedule.linear())
    return sr.sweep(
        images, [2, 4], [20.0, 60.0, 120.0], ["psnr_y", "lr_psnr"], [0, 1], steps=2, progress=False
    )


def test_the_page_is_self_contained_and_well_formed(frame, tmp_path):
    path = write_report(frame, tmp_path / "deep" / "page.html", "A <script>alert(1)</script> & more")
    page = Page(path.read_text(encoding="utf-8"))
    assert path == tmp_path / "deep" / "page.html"
    assert [path.name for path in path.parent.iterdir()] == ["page.html"]
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name == "src":
                assert value.startswith("data:image/png;base64,")
            if name == "href":
                assert value.startswith("#")
            if name == "style":
                assert "url(" not in value
    assert not page.all("script")
    assert not page.all("link")
    text = path.read_text(encoding="utf-8")
    assert "url(" not in text
    assert "@import" not in text
    assert "://" not in text.replace("data:", "")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)
    assert "A <script>alert(1)</script> & more" in page.text
    assert "<i>cat</i>" in page.text
    assert not page.all("i")


def test_images_are_complete_and_described(frame, tmp_path):
    page = Page(write_report(frame, tmp_path, "t").read_text(encoding="utf-8"))
    images = page.all("img")
    assert len(images) == len(standard_figures(frame)) == 3
    for image in images:
        assert image["alt"]
        Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2], validate=True))).load()


def test_tables_are_semantic_and_hold_every_row(frame, tmp_path):
    page = Page(write_report(frame, tmp_path, "t").read_text(encoding="utf-8"))
    assert len(page.all("table")) == len(page.all("caption")) == len(page.all("thead")) == 4
    rows = [
        comparison_text(frame),
        summary_text(frame, per_scale=False),
        summary_text(frame),
        optima_text(frame),
    ]
    assert len(page.all("tr")) == sum(len(table.cells) + 1 for table in rows)
    assert all(attributes.get("scope") in ("row", "col") for attributes in page.all("th"))
    for table in rows:
        assert all(text in page.text for line in table.cells for text in line)


def test_the_protocol_is_told(frame, tmp_path):
    page = Page(
        write_report(frame, tmp_path, "t", {}, protocol={"model": "embedded", "metrics": ["x"]}).read_text(
            "utf-8"
        )
    )
    for text in (
        "embedded",
        frame["kernel"].iloc[0],
        "Y in [0, 1]",
        "border pixels left out",
        "Seeds0, 1",
        "DDIM",
        "own derivation",
    ):
        assert text in page.text.replace("\n", "")
    assert not page.all("img")


def test_figures_may_be_files(frame, tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    out = write_report(frame, tmp_path / "r.html", "t", {"one": tmp_path / "a.jpg", "two": Figure()})
    kinds = [a["src"].partition(";")[0] for a in Page(out.read_text("utf-8")).all("img")]
    assert kinds == ["data:image/jpeg", "data:image/png"]


def test_nothing_half_written(frame, tmp_path):
    page = tmp_path / "report.html"
    page.write_text("earlier")
    for figure in ("missing.png", "vector.svg"):
        with pytest.raises(OutputError, match=figure):
            write_report(frame, page, "t", {"x": tmp_path / figure})
    with pytest.raises(ToolkitError, match="missing"):
        write_report(frame.drop(columns="nfe"), page, "t")
    assert page.read_text() == "earlier"
    with pytest.raises(OutputError, match="writable"):
        write_report(frame, page / "inside.html", "t", {})
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_figure_gives_the_same_bytes_twice():
    assert png_bytes(Figure()) == png_bytes(Figure())


def test_the_caption_says_which_images_are_left_out(frame):
    captions = list(standard_figures(frame, max_images=1))
    assert "1 more image" in captions[0]
