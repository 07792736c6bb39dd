from __future__ import annotations

import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageCms
from skimage import data

from diffsr_toolkit import images
from diffsr_toolkit.errors import ImageError, OutputError
from diffsr_toolkit.images import check_memory, check_output, load_image, save_image, to_tensor
from diffsr_toolkit.resize import resize

ORIENTATION = ExifTags.Base.Orientation
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def photo(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    colour = Image.fromarray(data.chelsea()).crop((100, 60, 100 + size[0], 60 + size[1]))
    if mode in ("I;16", "I;16B", "I"):
        values = np.asarray(colour.convert("L")).astype(np.uint16) * 257 - 3
        if mode == "I":
            return Image.fromarray(values.astype(np.int32))
        return Image.frombytes(mode, size, values.astype("<u2" if mode == "I;16" else ">u2").tobytes())
    if mode == "F":
        return Image.fromarray(np.asarray(colour.convert("L")).astype(np.float32) / 255)
    if mode in ("LA", "RGBA"):
        ramp = np.linspace(0, 255, size[0] * size[1]).reshape(size[::-1]).astype(np.uint8)
        with_alpha = colour.convert(mode)
        with_alpha.putalpha(Image.fromarray(ramp))
        return with_alpha
    return colour.convert(mode)


def identity(image):
    x, kind = to_tensor(image)
    return kind.restore(x)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "F"])
def test_plain_modes_survive_exactly(mode):
    image = photo(mode)
    x, kind = to_tensor(image)
    assert x.dtype == torch.float32
    assert x.shape == (3 if mode.startswith("RGB") else 1, 30, 40)
    assert -1 <= float(x.min()) < float(x.max()) <= 1
    back = kind.restore(x)
    assert back.mode == mode
    np.testing.assert_allclose(np.asarray(back), np.asarray(image), rtol=0, atol=1e-7 if mode == "F" else 0)


@pytest.mark.parametrize(
    ("mode", "plain"),
    [
        ("1", "L"), ("P", "RGB"), ("PA", "RGBA"), ("RGBX", "RGB"), ("RGBa", "RGBA"), ("La", "LA"),
        ("CMYK", "RGB"), ("YCbCr", "RGB"), ("HSV", "RGB"), ("I", "I;16"), ("I;16B", "I;16"),
    ],
)  # fmt: skip
def test_other_modes_become_the_nearest_plain_one(mode, plain):
    image = photo("LA").convert("La") if mode == "La" else photo(mode) if mode != "PA" else photo("P")
    image = (
        photo("RGBA").convert("RGBa") if mode == "RGBa" else image.convert("PA") if mode == "PA" else image
    )
    assert image.mode == mode
    back = identity(image)
    assert back.mode == plain
    expected = np.asarray(image) if plain == "I;16" else np.asarray(image.convert(plain))
    np.testing.assert_array_equal(np.asarray(back), expected)


def test_a_transparent_palette_or_colour_becomes_alpha():
    palette = photo("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    keyed = photo("L")
    keyed.info["transparency"] = keyed.getpixel((0, 0))
    for image, mode in ((palette, "RGBA"), (keyed, "LA")):
        back = identity(image)
        assert back.mode == mode
        assert back.getchannel("A").getpixel((0, 0)) == 0
        assert np.asarray(back.getchannel("A")).max() == 255


def test_alpha_is_resampled_apart_and_the_colour_is_not_premultiplied():
    image = photo("RGBA")
    x, kind = to_tensor(image)
    colour, _ = to_tensor(photo("RGB"))
    assert torch.equal(x, colour)
    back = kind.restore(resize(x, (75, 108)))
    assert back.size == (108, 75)
    alpha = torch.from_numpy(np.array(image.getchannel("A"))).double()[None] / 255
    expected = (resize(alpha, (75, 108)).clamp(0, 1) * 255).round()[0]
    np.testing.assert_array_equal(np.asarray(back.getchannel("A")), expected)


def test_restore_clips():
    _, kind = to_tensor(photo("L"))
    assert identity_range(kind.restore(torch.full((1, 2, 3), 7.0))) == (255, 255)
    assert identity_range(kind.restore(torch.full((1, 2, 3), -7.0))) == (0, 0)


def identity_range(image: Image.Image) -> tuple[int, int]:
    return int(np.asarray(image).min()), int(np.asarray(image).max())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2", np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
def test_arrays_survive(dtype, shape):
    unit = np.random.default_rng(0).uniform(0, 1, shape)
    kind_of = np.dtype(dtype)
    array = (unit * np.iinfo(kind_of).max).astype(dtype) if kind_of.kind == "u" else unit.astype(dtype)
    before = array.copy()
    back = identity(array[::-1])[::-1]
    assert back.dtype == array.dtype
    assert back.shape == shape
    np.testing.assert_allclose(back, array, rtol=0, atol=0 if kind_of.kind == "u" else 2e-7)
    np.testing.assert_array_equal(array, before)
    x, kind = to_tensor(array)
    assert kind.restore(resize(x, (9, 8))).shape == (9, 8, *shape[2:])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(3, 5, 7), (1, 3, 5, 7), (1, 5, 7), (4, 5, 7)])
def test_tensors_survive(dtype, shape):
    tensor = (torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1).to(dtype)
    x, kind = to_tensor(tensor)
    assert x.shape == shape[-3:]
    back = kind.restore(x)
    assert back.dtype == dtype
    assert back.shape == shape
    torch.testing.assert_close(back, tensor, rtol=0, atol=1e-7)
    x += 1
    torch.testing.assert_close(back, tensor, rtol=0, atol=1e-7)


def test_a_tensor_may_overshoot_as_resampling_does():
    edge = torch.ones(1, 16, 16)
    edge[..., 8:] = -1
    overshot = resize(edge, (40, 40))
    assert float(overshot.abs().max()) > 1.05
    x, kind = to_tensor(overshot)
    assert torch.equal(x, overshot)
    assert float(kind.restore(x).abs().max()) == 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 4)), np.zeros(4), np.zeros((1, 2, 3, 3)), np.zeros((3, 8, 8)), np.zeros((4, 4), int),
        np.zeros((4, 4), bool), np.full((4, 4), np.nan), np.full((4, 4), np.inf), np.full((4, 4), 1.01),
        np.full((4, 4), -0.01), np.zeros((4, 4), np.complex64), torch.zeros(4, 4), torch.zeros(2, 3, 4, 4),
        torch.zeros(3, 0, 4), torch.zeros(8, 8, 3), torch.zeros(3, 4, 4, dtype=torch.uint8),
        torch.full((3, 4, 4), math.nan), torch.full((3, 4, 4), math.inf), torch.full((3, 4, 4), 2.0),
        Image.new("RGB", (0, 5)), Image.fromarray(np.full((4, 4), 300.0, np.float32)),
        Image.fromarray(np.full((4, 4), 70000, np.int32)), Image.fromarray(np.full((4, 4), -1, np.int32)),
        "picture.png", None,
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ImageError):
        to_tensor(image)


@pytest.mark.parametrize("x", [torch.zeros(1, 4, 4), torch.zeros(3, 4), torch.full((3, 4, 4), math.nan)])
def test_restore_refuses_what_does_not_fit(x):
    _, kind = to_tensor(photo("RGB"))
    with pytest.raises(ImageError):
        kind.restore(x)


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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_orientation_is_applied_once_and_other_exif_and_icc_survive(tmp_path, orientation, suffix):
    upright = photo(size=(48, 32))
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }.get(orientation)  # fmt: skip
    image = upright if stored is None else upright.transpose(stored)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[ExifTags.Base.Artist] = "Ada"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] = image.width
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = 200
    source, written = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    image.save(source, exif=exif.tobytes(), icc_profile=SRGB, **({"quality": 95} if suffix == ".jpg" else {}))

    loaded = load_image(source)
    assert loaded.size == upright.size
    assert np.abs(np.asarray(loaded).astype(float) - np.asarray(upright)).mean() < 3
    x, kind = to_tensor(loaded)
    save_image(kind.restore(resize(x, (64, 96))), written)
    with Image.open(written) as result:
        again = result.getexif()
        assert again.get(ORIENTATION, 1) == 1
        assert again[ExifTags.Base.Artist] == "Ada"
        assert again.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] == 200
        assert again.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] == 96
        assert result.info["icc_profile"] == SRGB
        assert result.size == (96, 64)
    enlarged = load_image(written).resize(upright.size)
    assert np.abs(np.asarray(enlarged).astype(float) - np.asarray(upright)).mean() < 8


def test_a_compressed_tiff_can_be_saved_again(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = 200
    photo().save(tmp_path / "a.tif", compression="tiff_lzw", tiffinfo={315: "Ada"})
    image = load_image(tmp_path / "a.tif")
    image.info["exif"] = exif.tobytes()
    save_image(image, tmp_path / "b.tif")
    assert np.array_equal(np.asarray(load_image(tmp_path / "b.tif")), np.asarray(photo()))


def test_an_image_opened_elsewhere_keeps_its_orientation_tag(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    photo().save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        back = identity(image)
        assert image.getexif()[ORIENTATION] == 6
    assert back.size == (40, 30)
    assert back.getexif()[ORIENTATION] == 6


def test_a_broken_exif_block_and_resolution_spoil_no_picture(tmp_path):
    image = photo()
    image.info |= {"exif": b"Exif\x00\x00MM\x00garbage", "dpi": (0, math.nan)}
    save_image(image, tmp_path / "a.jpg")
    assert load_image(tmp_path / "a.jpg").size == image.size
    assert identity(image).mode == "RGB"


def test_cmyk_goes_through_its_profile_or_drops_it():
    image = photo("CMYK")
    image.info["icc_profile"] = SRGB
    back = identity(image)
    assert back.mode == "RGB"
    assert "icc_profile" not in back.info


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
    monkeypatch.setattr(images.os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(OutputError, match="not writable"):
        save_image(photo(), tmp_path / "b.png")
    monkeypatch.setattr(images.os, "access", lambda path, mode: Path(path) != taken)
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


def test_memory_that_suffices_is_not_refused():
    needed = check_memory(100, 200, 3, available=2**40)
    assert needed == 100 * 200 * (images.BYTES_PER_PIXEL + 72)
    assert check_memory(100, 200, 3, available=needed) == needed
    with pytest.raises(ImageError, match="100x200"):
        check_memory(100, 200, 3, available=needed - 1)
    assert check_memory(1, 1, 3) < images._available_memory()


@pytest.mark.parametrize("scale", [4.0, (2.0, 8.0)])
def test_too_large_an_output_names_the_largest_scale_and_it_fits(scale):
    needed = check_memory(4000, 4000, 3, available=2**60)
    with pytest.raises(ImageError, match="the largest scale that fits is") as refusal:
        check_memory(4000, 4000, 3, available=needed // 3, scale=scale)
    named = str(refusal.value).split("fits is ")[1].split(" (about")[0]
    sy, sx = (float(v) for v in named.strip("()").split(",")) if "(" in named else (float(named),) * 2
    ratio = (sy * sx) / 16
    assert 0.99 / 3 < ratio <= 1 / 3
    assert "GiB" in str(refusal.value)


def test_where_no_scale_fits_that_is_said():
    with pytest.raises(ImageError, match="no scale fits"):
        check_memory(4000, 4000, 3, available=2**20, scale=1.5)


def test_an_astronomical_output_is_refused_on_this_machine():
    with pytest.raises(ImageError, match="available"):
        check_memory(10**9, 10**9, 3, scale=10**7)
