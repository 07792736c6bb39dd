"""What comes along with an image: orientation, EXIF, colour profile and resolution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from diffsr_toolkit.images import load_image, resize, save_image, to_tensor
from helpers.images import identity, photo

ORIENTATION = ExifTags.Base.Orientation
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


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
