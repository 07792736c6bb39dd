"""Image files: what is read, what can be written, and old files kept when it fails."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffsr_toolkit.errors import ImageError, OutputError
from diffsr_toolkit.images import check_output, load_image, save_image, to_tensor
from helpers.images import identity, photo


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("L", "a.png"), ("LA", "a.png"), ("RGB", "a.png"), ("RGBA", "a.png"), ("I;16", "a.png"),
        ("L", "a.tif"), ("LA", "a.tiff"), ("RGBA", "a.tif"), ("I;16", "a.tif"), ("F", "a.tif"),
        ("RGB", "a.bmp"), ("L", "a.bmp"), ("RGB", "A.PNG"),
    ],
)  # fmt: skip
def test_lossless_files_survive(tmp_path, mode, name):
    image = photo(mode)
    save_image(image, tmp_path / name)
    loaded = load_image(tmp_path / name)
    assert loaded.mode == mode
    np.testing.assert_array_equal(np.asarray(loaded), np.asarray(image))
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.webp"])
def test_lossy_files_are_close(tmp_path, name):
    save_image(photo(), str(tmp_path / name))
    error = np.asarray(load_image(tmp_path / name)).astype(float) - np.asarray(photo())
    assert 0 < np.abs(error).mean() < 3


@pytest.mark.parametrize("mode", ["P", "CMYK", "1"])
def test_modes_that_a_format_lacks_are_made_plain(tmp_path, mode):
    save_image(photo(mode), tmp_path / "a.jpg")
    assert load_image(tmp_path / "a.jpg").mode == ("L" if mode == "1" else "RGB")


def test_an_animation_gives_its_first_frame(tmp_path):
    photo("P").save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("P", (40, 30))])
    assert identity(load_image(tmp_path / "a.gif")).size == (40, 30)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp"])
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.9])
def test_cut_files_are_refused(tmp_path, suffix, part):
    path = tmp_path / f"a{suffix}"
    save_image(photo(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ImageError, match=path.name):
        load_image(path)


def test_missing_foreign_and_corrupt_files_are_refused(tmp_path):
    with pytest.raises(ImageError, match="does not exist"):
        load_image(tmp_path / "none.png")
    with pytest.raises(ImageError, match="no file"):
        load_image(tmp_path)
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(ImageError, match=r"text\.png"):
        load_image(tmp_path / "text.png")
    save_image(photo(), tmp_path / "a.png")
    blob = bytearray((tmp_path / "a.png").read_bytes())
    blob[len(blob) // 2] ^= 255
    (tmp_path / "a.png").write_bytes(blob)
    with pytest.raises(ImageError, match=r"a\.png"):
        load_image(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as opened, pytest.raises(ImageError, match="cannot be decoded"):
        to_tensor(opened)


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_decompression_bomb_is_refused(tmp_path, side):
    def chunk(tag: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + tag + content + struct.pack(">I", zlib.crc32(tag + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    with pytest.raises(ImageError, match="more pixels than the limit"):
        load_image(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("name", "mode", "reason"),
    [
        ("a.jpg", "RGBA", r"JPEG cannot hold.*RGBA.*\.png"), ("a.jpg", "I;16", "JPEG cannot hold"),
        ("a.jpg", "LA", "JPEG cannot hold"), ("a.bmp", "RGBA", "BMP cannot hold"),
        ("a.webp", "I;16", "WEBP cannot hold"), ("a.png", "F", r"PNG cannot hold.*\.tif"),
        ("a.gif", "RGB", r"'\.gif'.*\.png"), ("a", "RGB", "use one of"), ("none/a.png", "RGB", "does not exist"),
        ("", "RGB", "is a folder"),
    ],
)  # fmt: skip
def test_outputs_that_cannot_be_are_refused_before_and_at_saving(tmp_path, name, mode, reason):
    path = tmp_path / name
    with pytest.raises(OutputError, match=reason):
        check_output(path, mode)
    with pytest.raises(OutputError, match=reason):
        save_image(photo(mode), path)
    assert list(tmp_path.iterdir()) == []


def test_check_output_sees_what_the_input_becomes(tmp_path):
    transparent = photo("P")
    transparent.info["transparency"] = 0
    with pytest.raises(OutputError, match="RGBA"):
        check_output(tmp_path / "a.jpg", transparent)
    check_output(tmp_path / "a.jpg", photo("P"))
    check_output(tmp_path / "a.jpg", photo("CMYK"), (30, 40))
    with pytest.raises(OutputError, match="16383"):
        check_output(tmp_path / "a.webp", "RGB", (30, 16384))
    with pytest.raises(ImageError, match="XYZ"):
        check_output(tmp_path / "a.png", "XYZ")


def test_an_unwritable_folder_or_file_is_refused(tmp_path, monkeypatch):
    taken = tmp_path / "a.png"
    taken.write_bytes(b"mine")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(OutputError, match="not writable"):
        save_image(photo(), tmp_path / "b.png")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != taken)
    with pytest.raises(OutputError, match="may be replaced"):
        save_image(photo(), taken)
    assert taken.read_bytes() == b"mine"


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="the system has no /dev/null")
def test_a_device_is_not_replaced(tmp_path):
    link = tmp_path / "a.png"
    link.symlink_to("/dev/null")
    with pytest.raises(OutputError, match="no file that may be replaced"):
        save_image(photo(), link)


def test_saving_goes_through_a_link(tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    save_image(photo(), tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink()
    assert load_image(tmp_path / "real.png").size == (40, 30)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), RuntimeError("encoder")])
def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failure):
    path = tmp_path / "a.png"
    save_image(photo(), path)
    before = path.read_bytes()

    def fail(self, handle, **options):
        handle.write(b"half")
        raise failure

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OutputError, match="could not be written"):
        save_image(photo("L"), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]


def test_saved_files_have_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "other").touch()
    save_image(photo(), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_only_pil_images_are_saved(tmp_path):
    with pytest.raises(ImageError, match="ndarray"):
        save_image(np.zeros((4, 4)), tmp_path / "a.png")
