"""PIL's modes reduced to the few that are processed, with what an image carries beside its pixels."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.images.sizes import Size

# What a mode becomes before it is processed; a mode not listed has no plain form.
_PLAIN = {
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBX": "RGB",
    "RGBA": "RGBA", "RGBa": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB", "HSV": "RGB",
    "I;16": "I;16", "I;16L": "I;16", "I;16B": "I;16", "I": "I;16", "F": "F",
}  # fmt: skip
_WITH_ALPHA = {"L": "LA", "RGB": "RGBA"}
# A TIFF file's EXIF holds its own layout too; these tags alone describe the picture.
_KEPT_TIFF_TAGS = {270, 271, 272, 305, 306, 315, 33432}
_TIFF_FOLDERS = {ExifTags.IFD.Exif.value, ExifTags.IFD.GPSInfo.value}


def plain_mode(image: Image.Image | str) -> str:
    """PIL mode in which an image, or a mode, is processed and restored.

    Bilevel becomes ``L``; palettes become ``RGB``, with transparency ``RGBA``; a transparent colour of an
    ``L`` or ``RGB`` file becomes an alpha channel; premultiplied alpha becomes plain; CMYK, YCbCr, LAB and
    HSV become ``RGB``; wider greys become ``I;16``; the others stay.

    Parameters
    ----------
    image : PIL.Image.Image or str

    Returns
    -------
    str
        ``"L"``, ``"LA"``, ``"RGB"``, ``"RGBA"``, ``"I;16"`` or ``"F"``.

    Raises
    ------
    ImageError
        If the mode has no plain form.
    """
    mode = image if isinstance(image, str) else image.mode
    if mode not in _PLAIN:
        raise ImageError(f"image mode {mode!r} is not supported; convert it to one of {', '.join(_PLAIN)}")
    plain = _PLAIN[mode]
    if isinstance(image, Image.Image) and image.has_transparency_data:
        return _WITH_ALPHA.get(plain, plain)
    return plain


def exif_bytes(image: Image.Image, *, oriented: bool = False) -> bytes:
    """EXIF of an opened image, without a TIFF file's own layout.

    Parameters
    ----------
    image : PIL.Image.Image
    oriented : bool
        Whether the pixels are upright already, so that the orientation tag has to go.

    Returns
    -------
    bytes
        Empty where there is none, or none that can be read.

    Raises
    ------
    Exception
        Whatever Pillow raises on pixels that cannot be decoded.
    """
    # Pillow reads a TIFF file's EXIF folders late and not at all after its pixels; of other files it may have to
    # decode the pixels first, and how that fails is to be seen.
    if image.format != "TIFF":
        image.load()
    try:
        kept = Image.Exif()
        if "exif" in image.info:
            kept.load(image.info["exif"])
        else:
            source = image.getexif()
            for tag in set(source) & (_KEPT_TIFF_TAGS | _TIFF_FOLDERS | {ExifTags.Base.Orientation}):
                kept[tag] = dict(source.get_ifd(tag)) if tag in _TIFF_FOLDERS else source[tag]
        if oriented:
            kept.pop(ExifTags.Base.Orientation, None)
        return kept.tobytes() if len(kept) else b""
    except (
        Exception
    ):  # a broken EXIF block, on which Pillow raises what it happens to meet, spoils no picture
        return b""


def kept_info(image: Image.Image) -> dict[Any, Any]:
    """What of ``image.info`` a result keeps: ``icc_profile``, ``exif`` and ``dpi``, where they are usable.

    Parameters
    ----------
    image : PIL.Image.Image

    Returns
    -------
    dict
    """
    kept: dict[Any, Any] = {}
    if image.info.get("icc_profile"):
        kept["icc_profile"] = image.info["icc_profile"]
    try:
        dpi = tuple(float(value) for value in image.info.get("dpi", ()))
    except (TypeError, ValueError, ZeroDivisionError):
        dpi = ()
    if len(dpi) == 2 and all(math.isfinite(value) and value > 0 for value in dpi):
        kept["dpi"] = dpi
    exif = exif_bytes(image)
    if exif:
        kept["exif"] = exif
    return kept


def sized_exif(data: bytes, size: Size) -> bytes:
    """EXIF whose image dimensions, where it names them, are those of a new image.

    Parameters
    ----------
    data : bytes
    size : (int, int)
        ``(H, W)`` in pixels.

    Returns
    -------
    bytes
        `data` itself where it cannot be read.
    """
    height, width = size
    try:
        exif = Image.Exif()
        exif.load(data)
        camera = exif.get_ifd(ExifTags.IFD.Exif)
        for tag, side in ((ExifTags.Base.ExifImageWidth, width), (ExifTags.Base.ExifImageHeight, height)):
            if tag in camera:
                camera[tag] = side
        for tag, side in ((ExifTags.Base.ImageWidth, width), (ExifTags.Base.ImageLength, height)):
            if tag in exif:
                exif[tag] = side
        return exif.tobytes()
    except Exception:  # as above: no result is lost over its EXIF
        return data


def to_plain(image: Image.Image) -> Image.Image:
    """Convert an image to its `plain_mode`; ICC profile, EXIF and resolution stay in ``info``.

    A CMYK image goes through its ICC profile to sRGB where it has a usable one; the profile of an image that
    was CMYK or LAB is dropped, since it describes other channels.

    Parameters
    ----------
    image : PIL.Image.Image

    Returns
    -------
    PIL.Image.Image
        A new image; its ``info`` is `kept_info`.

    Raises
    ------
    ImageError
        If the mode has no plain form, or the values of a mode ``I`` image do not fit 16 bits.
    """
    mode = plain_mode(image)
    info = kept_info(image)
    if image.mode == mode:
        plain = image.copy()
    elif mode == "I;16":
        values = np.asarray(image)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise ImageError(
                f"values from {values.min()} to {values.max()} do not fit 16 bits; rescale them to 0..65535"
            )
        plain = Image.fromarray(values.astype(np.uint16))
    elif image.mode == "CMYK":
        plain = _from_cmyk(image, info.pop("icc_profile", None))
    else:
        if image.mode == "LAB":
            info.pop("icc_profile", None)
        plain = image.convert(mode)
    plain.info = info
    return plain


def _from_cmyk(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (OSError, ImageCms.PyCMSError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")
