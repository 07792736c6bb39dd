"""The recipe of the Fashion-MNIST model: whole pictures, a network that trains, a pipeline that loads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from diffsr_toolkit.models import load_model
from diffsr_toolkit.training import Trainer, draw_batch, export
from diffsr_toolkit.training.fashion import RECIPE, make_fashion_unet, write_tiles
from helpers.fashion import bars


def test_the_recipe_trains_the_network_and_its_export_loads(tmp_path: Path) -> None:
    tiles = np.load(write_tiles(bars(64), tmp_path / "tiles" / "train.npy"))
    assert tiles.shape == (64, 28, 28, 1)
    recipe = replace(RECIPE, batch=4)
    drawn = draw_batch(tiles, recipe, np.random.default_rng(0))
    originals = {tile.tobytes() for tile in tiles}
    seen = ((drawn + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert all(picture.tobytes() in originals for picture in seen)
    trainer = Trainer(recipe, 0, tmp_path, network=make_fashion_unet)
    losses = []
    for _ in range(6):
        loss = trainer.loss(tiles)
        loss.backward()
        trainer.update(recipe.lr)
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    export(trainer.averaged.state_dict(), tmp_path / "pipeline", make_fashion_unet)
    model = load_model(str(tmp_path / "pipeline"), device="cpu")
    assert model.denoiser.channels == 1 and 28 % model.denoiser.stride == 0
    assert model.denoiser(torch.zeros(1, 1, 28, 28), torch.tensor([1.0])).shape == (1, 1, 28, 28)
