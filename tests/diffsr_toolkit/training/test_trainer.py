"""Training: the loss falls, and it goes on from a checkpoint with the weights and the average it had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import UNet2DModel

from diffsr_toolkit.training import Recipe, Trainer
from helpers.textures import texture


def tiny_unet() -> UNet2DModel:
    return UNet2DModel(
        sample_size=16,
        in_channels=3,
        out_channels=3,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
        norm_num_groups=4,
        add_attention=False,
    )


SMALL = Recipe(batch=2, workers=1, crop=16, lr=2e-3)


def pictures() -> np.ndarray:
    return np.stack([np.repeat(texture(2.0)[..., None], 3, axis=2)] * 2).clip(0, 255).astype(np.uint8)


def step(trainer: Trainer, tiles: np.ndarray) -> float:
    loss = trainer.loss(tiles)
    loss.backward()
    trainer.update(trainer.recipe.lr)
    return loss.item()


def test_training_lowers_the_loss_and_resumes_where_it_stopped(tmp_path: Path) -> None:
    tiles, trainer = pictures(), Trainer(SMALL, 0, tmp_path, network=tiny_unet)
    losses = [step(trainer, tiles) for _ in range(8)]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    trainer.elapsed = 12.5
    trainer.save()
    again = Trainer(SMALL, 0, tmp_path, network=tiny_unet)
    assert (again.step, again.elapsed) == (8, 12.5)
    for name, value in trainer.averaged.state_dict().items():
        assert torch.equal(value, again.averaged.state_dict()[name])


@pytest.mark.parametrize(
    ("done", "ema", "decay"), [(0, 0.999, 0.1), (3, 0.999, 4 / 13), (20_000, 0.999, 0.999)]
)
def test_the_average_starts_short_and_grows_to_its_decay(
    tmp_path: Path, done: int, ema: float, decay: float
) -> None:
    """From a checkpoint as it has always been: weights and average by the network's names, and the step."""
    trainer = Trainer(SMALL, 0, tmp_path / "none", network=tiny_unet)
    mean = {name: value + 1 for name, value in trainer.unet.state_dict().items()}
    saved = {
        "unet": trainer.unet.state_dict(),
        "ema": mean,
        "optimizer": trainer.optimizer.state_dict(),
        "step": done,
        "elapsed": 1.0,
    }
    torch.save(saved, tmp_path / "checkpoint.pt")
    resumed = Trainer(Recipe(batch=2, workers=1, crop=16, ema=ema), 0, tmp_path, network=tiny_unet)
    for name, value in resumed.averaged.state_dict().items():
        assert torch.equal(value, mean[name])
    step(resumed, pictures())
    after = resumed.unet.state_dict()
    for name, value in resumed.averaged.state_dict().items():
        torch.testing.assert_close(
            value, decay * mean[name] + (1 - decay) * after[name], rtol=1e-5, atol=1e-6
        )
    resumed.save()
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert list(kept) == list(saved)
    assert list(kept["ema"]) == list(kept["unet"]) and kept["step"] == done + 1
