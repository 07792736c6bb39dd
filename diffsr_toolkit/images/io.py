"""Image files: read with every orientation applied, write whole or not at all, refuse before the work."""

from __future__ import annotations

import math
import os
import secrets
import warnings
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from diffsr_toolkit.errors import ImageError, OutputError
from diffsr_toolkit.images.kind import ImageKind, to_tensor
from diffsr_toolkit.images.pil_modes import exif_bytes, plain_mode, to_plain
from diffsr_toolkit.images.resampling import Scale, Size, as_scale

__all__ = ["ImageKind", "check_memory", "check_output", "load_image", "save_image", "to_tensor"]

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

BYTES_PER_PIXEL = 2048
"""Working memory per output pixel: about 16 float32 maps of 32 channels alive at once in a small U-Net at
full resolution. Larger networks need more; it is an estimate that refuses the hopeless, no promise."""


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
        Converted to its plain mode first (see `diffsr_toolkit.pil_modes.plain_mode`). ICC profile, EXIF and
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


def _available_memory() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    for pages in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):
        try:
            return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            continue
    return None


def check_memory(
    height: int,
    width: int,
    channels: int,
    available: int | None = None,
    *,
    scale: Scale | None = None,
    bytes_per_pixel: int = BYTES_PER_PIXEL,
) -> int:
    """Refuse an output that would not fit into memory.

    Parameters
    ----------
    height, width, channels : int
        Of the output, in pixels.
    available : int, optional
        Bytes that may be used; the system's available memory by default. Where the system does not tell,
        nothing is refused.
    scale : float or (float, float), optional
        The scale that leads to this output, so that the message can name the largest one that would fit.
    bytes_per_pixel : int
        Working memory of the network per output pixel.

    Returns
    -------
    int
        Estimated need in bytes: the network's working memory and six float32 copies of the image.

    Raises
    ------
    ImageError
        If more is needed than is available.
    """
    per_pixel = bytes_per_pixel + 6 * 4 * channels
    needed = height * width * per_pixel
    if available is None:
        available = _available_memory()
    if available is None or needed <= available:
        return needed
    # Per axis, rounded down to three digits so that the named scale does fit.
    shrink = math.sqrt(max(available, 0) / needed)
    fits = f"about {int(height * shrink)}x{int(width * shrink)} pixels"
    if scale is not None:
        lower = [math.floor(factor * shrink * 1000) / 1000 for factor in as_scale(scale)]
        if min(lower) >= 1:
            text = f"{lower[0]:g}" if lower[0] == lower[1] else f"({lower[0]:g}, {lower[1]:g})"
            remedy = f"the largest scale that fits is {text} ({fits})"
        else:
            remedy = f"no scale fits ({fits} would); crop the image or free memory"
    else:
        remedy = f"the largest output of this shape that fits is {fits}"
    raise ImageError(
        f"an output of {height}x{width} pixels needs about {needed / 2**30:.3g} GiB, "
        f"{available / 2**30:.3g} GiB are available; {remedy}"
    )
