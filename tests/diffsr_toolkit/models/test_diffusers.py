"""Pretrained models: the shipped one, folders written by diffusers, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import diffusers
import pytest
import torch
from safetensors.torch import load_file, save_file

from diffsr_toolkit import DiffSR
from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.models import card_names, load_model
from theory import NoiseSchedule

WEIGHTS = Path("unet", "diffusion_pytorch_model.safetensors")


def write_model(folder: Path, scheduler: object, **config: object) -> diffusers.UNet2DModel:
    """A pipeline folder with a tiny random network, as ``save_pretrained`` lays it out."""
    torch.manual_seed(0)
    settings = {"in_channels": 3, "out_channels": 3} | config
    unet = diffusers.UNet2DModel(
        layers_per_block=1,
        block_out_channels=(4, 4),
        norm_num_groups=2,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        add_attention=False,
        **settings,
    )
    diffusers.DDPMPipeline(unet, scheduler).save_pretrained(folder)
    return unet.eval()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model(tmp_path / "model", diffusers.DDPMScheduler())
    return tmp_path / "model"


def image() -> torch.Tensor:
    return torch.rand(1, 3, 6, 10, generator=torch.Generator().manual_seed(2)) * 2 - 1


@torch.no_grad()
def test_every_listed_model_loads_offline_and_denoises() -> None:
    assert "embedded" in card_names()
    for name in card_names():
        model = load_model(name, device="cpu")
        assert model.name == name
        assert model.denoiser.channels in (1, 3)
        x0 = torch.zeros(1, model.denoiser.channels, 32, 32)
        x0[..., 16:] = 0.8
        noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
        restored = model.denoiser(x0 + 0.2 * noise, torch.tensor([0.2]))
        # An edge between flat halves is easy: any working denoiser removes most of the noise.
        assert float((restored - x0).square().mean()) < 0.2 * 0.2**2


@pytest.mark.parametrize("prediction_type", ["epsilon", "sample", "v_prediction"])
def test_a_local_folder_is_used_as_its_scheduler_says(tmp_path: Path, prediction_type: str) -> None:
    unet = write_model(tmp_path, diffusers.DDIMScheduler(prediction_type=prediction_type))
    model = load_model(str(tmp_path), device="cpu")
    x, t = image(), 321.5
    bar = NoiseSchedule.linear().alpha_cumprod(t)
    alpha, spread = bar**0.5, (1 - bar) ** 0.5
    with torch.inference_mode():
        # As a tensor: diffusers truncates a plain number to a whole timestep.
        output = unet(alpha * x, torch.tensor([t])).sample
    expected = {
        "epsilon": x - spread / alpha * output,
        "sample": output,
        "v_prediction": alpha * (alpha * x) - spread * output,
    }[prediction_type]
    sigma = torch.tensor([model.schedule.sigma(t)], dtype=torch.float32)
    torch.testing.assert_close(model.denoiser(x, sigma), expected, rtol=1e-4, atol=1e-4)


def test_a_flow_matching_folder_is_a_flow(tmp_path: Path) -> None:
    unet = write_model(tmp_path, diffusers.FlowMatchEulerDiscreteScheduler())
    model = load_model(str(tmp_path), device="cpu")
    assert model.schedule == NoiseSchedule.flow_matching()
    x, u = image(), 0.25
    state = (1 - u) * x
    with torch.inference_mode():
        expected = state - u * unet(state, 1000 * u).sample
    sigma = torch.tensor([u / (1 - u)])
    torch.testing.assert_close(model.denoiser(x, sigma), expected, rtol=1e-5, atol=1e-5)


def test_an_edm_folder_is_preconditioned(tmp_path: Path) -> None:
    scheduler = diffusers.EDMEulerScheduler(sigma_max=20.0, sigma_data=0.4)
    unet = write_model(tmp_path, scheduler)
    model = load_model(str(tmp_path), device="cpu")
    x, sigma = image(), torch.tensor(2.0)
    with torch.inference_mode():
        output = unet(scheduler.precondition_inputs(x, sigma), scheduler.precondition_noise(sigma)).sample
        expected = scheduler.precondition_outputs(x, output, sigma)
    torch.testing.assert_close(model.denoiser(x, sigma[None]), expected, rtol=1e-5, atol=1e-5)


def test_device_and_precision_are_the_caller_s(folder: Path) -> None:
    model = load_model(str(folder), device="cpu", dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in model.denoiser.unet.parameters()} == {torch.bfloat16}
    assert model.denoiser.device == torch.device("cpu")
    assert model.denoiser(image(), torch.tensor([0.5])).dtype == torch.float32


def test_loading_says_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_model(str(folder), device="cpu")
    assert capfd.readouterr() == ("", "")


def test_a_grey_model_restores_grey_and_colour(tmp_path: Path) -> None:
    write_model(tmp_path, diffusers.DDPMScheduler(), in_channels=1, out_channels=1)
    sr = DiffSR.from_pretrained(str(tmp_path), device="cpu")
    assert sr.denoiser.channels == 1
    for channels in (1, 3):
        assert sr.upscale(torch.zeros(channels, 4, 5), 2, t=10, steps=1).image.shape == (channels, 8, 10)


@pytest.mark.parametrize("name", ["nonsense", "", "/absent/folder", "./absent/model", "a/b/c", None, 3])
def test_an_unknown_name_is_refused(name: object) -> None:
    with pytest.raises(ModelError, match="embedded"):
        load_model(name)  # type: ignore[arg-type]


def test_a_hub_id_that_cannot_be_reached_is_refused() -> None:
    with pytest.raises(ModelError, match="google/absent-model"):
        load_model("google/absent-model")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model_index\.json"):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    "path", ["model_index.json", "unet/config.json", "scheduler/scheduler_config.json", str(WEIGHTS)]
)
@pytest.mark.parametrize("damage", ["cut", "removed"])
def test_a_damaged_folder_is_refused(folder: Path, path: str, damage: str) -> None:
    target = folder / path
    content = target.read_bytes()
    if damage == "cut":
        target.write_bytes(content[: len(content) // 2])
    else:
        target.unlink()
    with pytest.raises(ModelError, match=r"could not be loaded|no model_index\.json"):
        load_model(str(folder))


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({name: torch.zeros(2, *value.shape) for name, value in weights.items()}, folder / WEIGHTS)
    with pytest.raises(ModelError, match="could not be loaded"):
        load_model(str(folder))


def test_a_conditioned_network_is_refused(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index["unet"] = ["diffusers", "UNet2DConditionModel"]
    (folder / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="UNet2DConditionModel"):
        load_model(str(folder))


def test_a_class_conditioned_network_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path, diffusers.DDPMScheduler(), num_class_embeds=10)
    with pytest.raises(ModelError, match="classes"):
        load_model(str(tmp_path))


def test_an_unknown_preconditioning_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path, diffusers.CMStochasticIterativeScheduler())
    with pytest.raises(ModelError, match="CMStochasticIterativeScheduler"):
        load_model(str(tmp_path))
