"""Images of every accepted kind to tensors in [-1, 1] and back to the same kind."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.images.pil_modes import sized_exif, to_plain
from diffsr_toolkit.images.sizes import Size

if TYPE_CHECKING:
    import torch

# Bicubic resampling overshoots a range by at most a factor of 1.25 per axis.
_TENSOR_LIMIT = 1.25**2 + 1e-3
_ROUNDING = 1e-5


@dataclass(frozen=True)
class ImageKind:
    """What an image was, so that a result can be given back as the same.

    Attributes
    ----------
    container : str
        ``"pil"``, ``"numpy"`` or ``"torch"``.
    channels : int
        Colour channels of the tensor; alpha is not among them.
    size : (int, int)
        ``(H, W)`` of the input, in pixels.
    mode : str
        PIL mode of the restored image, empty for the other containers.
    dtype : numpy.dtype or torch.dtype or None
        Type of an array's or a tensor's values.
    ndim : int
        Dimensions of an array or a tensor.
    device : torch.device or None
        Where a tensor was.
    alpha : ndarray or None
        ``(1, H, W)`` float32 in [0, 1].
    info : dict
        ICC profile, EXIF and resolution of a PIL image.
    """

    container: str
    channels: int
    size: Size
    mode: str = ""
    dtype: Any = None
    ndim: int = 3
    device: torch.device | None = None
    alpha: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    info: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def restore(self, x: torch.Tensor) -> Any:
        """Give a tensor back as this kind of image.

        Parameters
        ----------
        x : torch.Tensor
            ``(C, H', W')`` with this kind's number of channels; clipped to [-1, 1].

        Returns
        -------
        PIL.Image.Image, numpy.ndarray or torch.Tensor
            The input's mode (see `plain_mode` for those that cannot stay), dtype, dimensions and value range.
            Alpha is resampled by the toolkit's kernel and clipped.

        Raises
        ------
        ImageError
            If the shape does not fit or a value is not finite.
        """
        import torch

        from diffsr_toolkit.images.resampling import resize

        if x.ndim != 3 or x.shape[0] != self.channels or x.numel() == 0:
            raise ImageError(
                f"tensor of shape {tuple(x.shape)} cannot be restored; give ({self.channels}, H, W)"
            )
        if not torch.isfinite(x).all():
            raise ImageError("tensor to be restored holds nan or inf; give finite values in [-1, 1]")
        x = x.detach().clamp(-1, 1)
        size = (x.shape[1], x.shape[2])
        if self.container == "torch":
            x = x.to(device=self.device, dtype=self.dtype)
            return x[None] if self.ndim == 4 else x
        unit = (x.cpu().double() + 1) / 2
        if self.alpha is not None:
            unit = torch.cat([unit, resize(torch.from_numpy(self.alpha).double(), size).clamp(0, 1)])
        values = unit.permute(1, 2, 0).numpy()
        if self.container == "numpy":
            return _to_dtype(values[:, :, 0] if self.ndim == 2 else values, np.dtype(self.dtype))
        dtype = {"I;16": np.uint16, "F": np.float32}.get(self.mode, np.uint8)
        image = Image.fromarray(
            _to_dtype(values[:, :, 0] if values.shape[2] == 1 else values, np.dtype(dtype))
        )
        image.info = dict(self.info)
        if "exif" in image.info:
            image.info["exif"] = sized_exif(image.info["exif"], size)
        return image


def _to_dtype(unit: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind == "u":
        unit = np.rint(unit * np.iinfo(dtype).max)
    return np.ascontiguousarray(unit.astype(dtype))


def to_planes(image: Any) -> tuple[NDArray[np.float32], ImageKind]:
    """Take an image of any accepted kind to an array, without torch unless it is a tensor.

    Parameters
    ----------
    image : PIL.Image.Image, numpy.ndarray or torch.Tensor
        A PIL image; an array ``(H, W)`` or ``(H, W, C)``, uint8, uint16 or floating point in [0, 1], with 1
        (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha) channels; or a tensor ``(C, H, W)`` or
        ``(1, C, H, W)``, floating point in [-1, 1], with at most 4 channels, none of which is taken as
        alpha. A tensor may overshoot as far as bicubic resampling does (|x| <= 1.56).

    Returns
    -------
    planes : ndarray
        ``(C, H, W)`` float32 in [-1, 1]: the colour as it is stored (not premultiplied).
    kind : ImageKind
        Gives a result back as the same kind; carries alpha, ICC profile and EXIF.

    Raises
    ------
    ImageError
        If the shape, type or values are none of these.
    """
    if isinstance(image, Image.Image):
        return _from_pil(image)
    if isinstance(image, np.ndarray):
        return _from_numpy(image)
    if _is_tensor(image):
        return _from_torch(image)
    raise ImageError(f"{type(image).__name__} is no image; give a PIL image, a numpy array or a torch tensor")


def to_tensor(image: Any) -> tuple[torch.Tensor, ImageKind]:
    """As `to_planes`, the colour as a ``(C, H, W)`` float32 tensor on the CPU."""
    import torch

    planes, kind = to_planes(image)
    return torch.from_numpy(planes), kind


def _is_tensor(image: Any) -> bool:
    # Whoever holds a tensor has imported torch.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(image, torch.Tensor)


def _split(unit: np.ndarray) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    planes = np.ascontiguousarray(unit.transpose(2, 0, 1))
    alpha = planes[-1:].astype(np.float32) if planes.shape[0] in (2, 4) else None
    colour = planes if alpha is None else planes[:-1]
    return (colour * 2 - 1).astype(np.float32), alpha


def _unit(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "u":
        return values.astype(np.float64) / np.iinfo(values.dtype).max
    unit = values.astype(np.float64)
    if not np.isfinite(unit).all():
        raise ImageError("image holds nan or inf; replace them by values in [0, 1]")
    if unit.min() < -_ROUNDING or unit.max() > 1 + _ROUNDING:
        raise ImageError(
            f"image values from {unit.min():g} to {unit.max():g} are outside [0, 1]; rescale or give uint8"
        )
    return unit.clip(0, 1)


def _from_pil(image: Image.Image) -> tuple[NDArray[np.float32], ImageKind]:
    if 0 in image.size:
        raise ImageError(f"image of {image.width}x{image.height} pixels is empty; give at least 1x1")
    try:
        plain = to_plain(image)
        values = np.asarray(plain)
    except ImageError:
        raise
    except (OSError, SyntaxError, ValueError) as failure:
        raise ImageError(
            f"image cannot be decoded: {failure}; open it with load_image, or convert it"
        ) from failure
    colour, alpha = _split(_unit(values.reshape(*values.shape[:2], -1)))
    size = (image.height, image.width)
    return colour, ImageKind("pil", colour.shape[0], size, mode=plain.mode, alpha=alpha, info=plain.info)


def _from_numpy(image: np.ndarray) -> tuple[NDArray[np.float32], ImageKind]:
    if image.ndim not in (2, 3) or image.size == 0 or (image.ndim == 3 and image.shape[2] > 4):
        raise ImageError(
            f"array of shape {image.shape} is no image; give a non-empty (H, W) or (H, W, C), C from 1 to 4"
        )
    if not (image.dtype.kind == "f" or (image.dtype.kind == "u" and image.dtype.itemsize <= 2)):
        raise ImageError(f"array of {image.dtype} is no image; give uint8, uint16 or floats in [0, 1]")
    colour, alpha = _split(_unit(image.reshape(*image.shape[:2], -1)))
    size = (image.shape[0], image.shape[1])
    return colour, ImageKind("numpy", colour.shape[0], size, dtype=image.dtype, ndim=image.ndim, alpha=alpha)


def _from_torch(image: torch.Tensor) -> tuple[NDArray[np.float32], ImageKind]:
    if image.ndim == 4 and image.shape[0] != 1:
        raise ImageError(f"batch of {image.shape[0]} images; give them one by one, (C, H, W) or (1, C, H, W)")
    if image.ndim not in (3, 4) or image.numel() == 0 or image.shape[-3] > 4:
        raise ImageError(
            f"tensor of shape {tuple(image.shape)} is no image; give a non-empty (C, H, W) or (1, C, H, W), "
            "C from 1 to 4"
        )
    if not image.is_floating_point():
        raise ImageError(f"tensor of {image.dtype} is no image; convert it to float32 in [-1, 1]")
    x = image.detach().reshape(image.shape[-3:]).float().cpu().numpy().copy()
    if not np.isfinite(x).all():
        raise ImageError("tensor holds nan or inf; replace them by values in [-1, 1]")
    if float(np.abs(x).max()) > _TENSOR_LIMIT:
        raise ImageError(f"tensor values from {x.min():g} to {x.max():g} are outside [-1, 1]; rescale them")
    size = (x.shape[1], x.shape[2])
    kind = ImageKind("torch", x.shape[0], size, dtype=image.dtype, ndim=image.ndim, device=image.device)
    return x, kind
