"""Image files: read with every orientation applied, write whole or not at all, refuse before the work."""

from __future__ import annotations

import os
import secrets
import warnings
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from diffsr_toolkit.errors import ImageError, OutputError
from diffsr_toolkit.images.pil_modes import exif_bytes, plain_mode, to_plain
from diffsr_toolkit.images.sizes import Size

# Per extension: Pillow's format, the plain modes it holds without loss of depth or alpha, its largest side.
_FORMATS: dict[str, tuple[str, frozenset[str], int]] = {
    ".png": ("PNG", frozenset({"L", "LA", "RGB", "RGBA", "I;16"}), 2**31 - 1),
    ".tif": ("TIFF", frozenset({"L", "LA", "RGB", "RGBA", "I;16", "F"}), 2**31 - 1),
    ".tiff": ("TIFF", frozenset({"L", "LA", "RGB", "RGBA", "I;16", "F"}), 2**31 - 1),
    ".jpg": ("JPEG", frozenset({"L", "RGB"}), 65500),
    ".jpeg": ("JPEG", frozenset({"L", "RGB"}), 65500),
    ".webp": ("WEBP", frozenset({"L", "LA", "RGB", "RGBA"}), 16383),
    ".bmp": ("BMP", frozenset({"L", "RGB"}), 2**31 - 1),
}
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    # Pillow writes uncompressed TIFF itself; through libtiff it cannot write an EXIF folder.
    "TIFF": {"compression": "raw"},
}


def load_image(path: str | os.PathLike[str]) -> Image.Image:
    """Read an image file, upright.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    PIL.Image.Image
        Fully decoded, independent of the file. An EXIF orientation is applied to the pixels and its tag
        dropped; the ICC profile and the other EXIF stay in ``info``. Of an animation, the first frame.
        16-bit grey stays 16-bit; Pillow reads 16-bit colour as 8-bit.

    Raises
    ------
    ImageError
        If the file is missing, no image, truncated, or larger than Pillow's limit against decompression
        bombs (``PIL.Image.MAX_IMAGE_PIXELS``).
    """
    path = Path(path)
    if not path.exists():
        raise ImageError(f"{path} does not exist; check the path")
    if not path.is_file():
        raise ImageError(f"{path} is no file; give the path of an image file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                exif = exif_bytes(opened, oriented=True)
                opened.load()
                image = ImageOps.exif_transpose(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise ImageError(
            f"{path} has more pixels than the limit of {Image.MAX_IMAGE_PIXELS} ({bomb}); crop or shrink it "
            "first, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file"
        ) from bomb
    except Exception as failure:  # a damaged file makes its decoder raise nearly anything
        raise ImageError(
            f"{path} cannot be read as an image ({failure}); it is damaged, cut short, or of another format"
        ) from failure
    image.info.pop("exif", None)
    if exif:
        image.info["exif"] = exif
    return image


def check_output(
    path: str | os.PathLike[str], image_or_mode: Image.Image | str, size: Size | None = None
) -> None:
    """Refuse, before any computation, an output that could not be written.

    Parameters
    ----------
    path : path-like
        File to be written; its extension chooses the format.
    image_or_mode : PIL.Image.Image or str
        The input image, or the PIL mode, that the output takes after.
    size : (int, int), optional
        ``(H, W)`` of the output in pixels, checked against the format's limit.

    Raises
    ------
    OutputError
        If the extension is unknown, the format cannot hold the mode or the size, the folder is missing or not
        writable, or the path is taken by something that is no writable file.
    ImageError
        If the mode is not supported at all.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give a file name inside it")
    extension = path.suffix.lower()
    if extension not in _FORMATS:
        raise OutputError(f"{path} ends in {path.suffix!r}; use one of {', '.join(_FORMATS)}")
    mode = plain_mode(image_or_mode)
    name, modes, largest = _FORMATS[extension]
    if mode not in modes:
        able = [other for other, (_, holds, _) in _FORMATS.items() if mode in holds]
        raise OutputError(
            f"{name} cannot hold an image of mode {mode} (alpha or depth would be lost) in {path}; "
            f"use {' or '.join(able)}"
        )
    if size is not None and max(size) > largest:
        raise OutputError(
            f"{name} holds at most {largest} pixels a side, not {size} in {path}; use .png or .tif"
        )
    target = Path(os.path.realpath(path))
    if target.exists() and not (target.is_file() and os.access(target, os.W_OK)):
        raise OutputError(f"{path} exists and is no file that may be replaced; choose another name")
    if not target.parent.is_dir():
        raise OutputError(f"folder {target.parent} of {path} does not exist; create it first")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise OutputError(f"folder {target.parent} is not writable; choose another or change its permissions")


def save_image(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Write an image whole or not at all.

    The file appears under its name only when complete; on any failure an earlier file there stays as it was.

    Parameters
    ----------
    image : PIL.Image.Image
        Converted to its plain mode first (see `diffsr_toolkit.images.pil_modes.plain_mode`). ICC profile, EXIF and
        resolution in ``info`` are written where the format has room for them.
    path : path-like
        ``.png``, ``.tif``, ``.tiff``, ``.jpg`` or ``.jpeg`` (quality 95, no chroma subsampling), ``.webp``
        (quality 95) or ``.bmp``.

    Raises
    ------
    OutputError
        If it cannot be written; see `check_output`.
    ImageError
        If `image` is no PIL image or of a mode that is not supported.
    """
    if not isinstance(image, Image.Image):
        raise ImageError(f"{type(image).__name__} cannot be saved; give a PIL image")
    path = Path(path)
    check_output(path, image, (image.height, image.width))
    plain = to_plain(image)
    name = _FORMATS[path.suffix.lower()][0]
    options = _SAVE_OPTIONS.get(name, {}) | {str(key): value for key, value in plain.info.items()}
    target = Path(os.path.realpath(path))
    partial = target.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        # Mode "xb" creates the file with the permissions that the user's umask asks for.
        with partial.open("xb") as handle:
            plain.save(handle, format=name, **options)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(partial, target)
    except Exception as failure:  # encoders raise nearly anything
        raise OutputError(f"{path} could not be written ({failure}); nothing was left behind") from failure
    finally:
        partial.unlink(missing_ok=True)
