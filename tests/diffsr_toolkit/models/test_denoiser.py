"""What a denoiser says of itself, and a callable that says nothing."""

from __future__ import annotations

import math

import pytest
import torch

from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.models import (
    AnyDenoiser,
    Denoiser,
    FFDNet,
    FunctionDenoiser,
    WienerDenoiser,
    as_denoiser,
    load_model,
)
from theory import PowerLaw


def shrink(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    return 0.9 * x


class Declared:
    """A callable that knows its channels and its least noise, and nothing else."""

    channels = 1
    sigma_min = 0.25

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return shrink(x, sigma)


def test_a_denoiser_is_taken_as_it_is() -> None:
    wiener = WienerDenoiser(PowerLaw(2e-4, 2.5))
    assert isinstance(wiener, Denoiser) and as_denoiser(wiener) is wiener
    assert not isinstance(shrink, Denoiser) and not isinstance(Declared(), Denoiser)


def test_a_callable_takes_any_noise_size_and_channels_but_what_it_declares() -> None:
    plain, declared = as_denoiser(shrink), as_denoiser(Declared())
    assert isinstance(plain, FunctionDenoiser) and isinstance(plain, Denoiser)
    assert (plain.channels, plain.sigma_min, plain.sigma_max, plain.stride) == (None, 0.0, math.inf, 1)
    assert (declared.channels, declared.sigma_min, declared.sigma_max) == (1, 0.25, math.inf)
    assert as_denoiser(Declared(), channels=3).channels == 3
    x = torch.ones(2, 1, 3, 3)
    torch.testing.assert_close(declared(x, torch.ones(2)), 0.9 * x)


def test_the_shipped_network_says_what_it_was_trained_for() -> None:
    model = load_model("embedded", device="cpu")
    assert isinstance(model.denoiser, Denoiser)
    assert model.denoiser.sigma_max == pytest.approx(float(model.schedule.sigma(999.0)))
    assert (model.denoiser.channels, model.denoiser.stride) == (3, 8)
    assert FFDNet.sigma_max < 1 and issubclass(FFDNet, AnyDenoiser)


@pytest.mark.parametrize(("denoiser", "channels"), [(None, None), (3, None), (shrink, 2), (shrink, 4)])
def test_what_is_no_denoiser_is_refused(denoiser: object, channels: int | None) -> None:
    with pytest.raises(ModelError, match=r"not callable|1 or 3 channels"):
        as_denoiser(denoiser, channels)
