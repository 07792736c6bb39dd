"""Load a pretrained unconditional diffusion model as a denoiser with its schedule."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from diffsr_toolkit.models.unet import UNetDenoiser
from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.resources import data_path
from diffsr_toolkit.calibration import stored_responses
from theory.prf import ModelResponse
from theory.schedules import NoiseSchedule

EMBEDDED = {
    "embedded": "DDPM for RGB photographs, fully convolutional, trained by this project's recipe",
    "fashion": "DDPM for 28 x 28 gray Fashion-MNIST pictures, trained by this project's recipe",
}


@dataclass(frozen=True)
class PretrainedModel:
    """A denoiser with the schedule it was trained on, and its responses where they were measured."""

    name: str
    denoiser: UNetDenoiser
    schedule: NoiseSchedule
    responses: tuple[ModelResponse, ...] = ()


def available_models() -> dict[str, str]:
    """Names and descriptions of the models that need no download."""
    return dict(EMBEDDED)


def load_model(
    name: str, device: str | torch.device | None = None, dtype: torch.dtype | None = None
) -> PretrainedModel:
    """Load a model by name.

    Parameters
    ----------
    name : str
        ``"embedded"``, ``"fashion"``, a local folder written by diffusers, or a hub id ``owner/model``.
    device : str or torch.device, optional
        Default: the GPU when there is one, else the CPU.
    dtype : torch.dtype, optional
        The network's own precision; float32 by default.

    Raises
    ------
    ModelError
        When the model is unknown, unreadable, or conditioned on something the sampler does not give.
    """
    if not isinstance(name, str) or not name:
        raise ModelError(
            f"model {name!r} is not a name: use 'embedded', a local diffusers folder or a hub id"
        )
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    source, kwargs = _locate(name)
    unet, scheduler = _load_parts(name, source, kwargs, dtype or torch.float32)
    if unet.config.num_class_embeds or unet.config.class_embed_type:
        raise ModelError(f"model {name!r} is conditioned on classes: give an unconditional one")
    schedule = NoiseSchedule.from_diffusers(scheduler)
    flow = schedule.name == "flow_matching"
    kind = scheduler.config.get("prediction_type", "flow_prediction" if flow else "epsilon")
    sigma_data = scheduler.config.get("sigma_data")
    if sigma_data is not None and not type(scheduler).__name__.startswith("EDM"):
        raise ModelError(
            f"model {name!r} uses {type(scheduler).__name__}, whose preconditioning is not known: "
            "give a DDPM, flow-matching or EDM model"
        )
    denoiser = UNetDenoiser(unet.to(device), schedule, kind, sigma_data)
    return PretrainedModel(name, denoiser, schedule, stored_responses(Path(source)))


def _locate(name: str) -> tuple[str, dict[str, Any]]:
    if name in EMBEDDED:
        return str(data_path("models", name)), {"local_files_only": True}
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "model_index.json").exists():
            raise ModelError(
                f"folder {name} holds no model_index.json: give a pipeline folder written by save_pretrained"
            )
        return str(folder), {"local_files_only": True}
    parts = name.split("/")
    if len(parts) == 2 and all(parts) and not name.startswith((".", "~")):
        return name, {}
    known = ", ".join(EMBEDDED)
    raise ModelError(
        f"model {name!r} is unknown: use {known}, an existing local diffusers folder, or a hub id 'owner/model'"
    )


def _load_parts(name: str, source: str, kwargs: dict[str, Any], dtype: torch.dtype) -> tuple[Any, Any]:
    import diffusers
    from safetensors import SafetensorError

    try:
        index = _model_index(source, kwargs)
        unet_class, scheduler_class = index["unet"][1], index["scheduler"][1]
        if unet_class != "UNet2DModel":
            raise ModelError(
                f"model {name!r} uses {unet_class}, which is conditioned; "
                "only unconditional UNet2DModel pipelines are supported so far"
            )
        # Loading into a network that already has memory needs no further package.
        unet = diffusers.UNet2DModel.from_pretrained(
            source, subfolder="unet", torch_dtype=dtype, low_cpu_mem_usage=False, **kwargs
        )
        scheduler = getattr(diffusers, scheduler_class).from_pretrained(
            source, subfolder="scheduler", **kwargs
        )
    except ModelError:
        raise
    except (OSError, KeyError, TypeError, AttributeError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"model {name!r} could not be loaded ({type(error).__name__}: {error}); "
            "check its name, its files and the network, or use 'embedded'"
        ) from error
    return unet, scheduler


def _model_index(source: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    path = Path(source) / "model_index.json"
    if not path.exists():
        from huggingface_hub import hf_hub_download

        path = Path(hf_hub_download(source, "model_index.json", **kwargs))
    return dict(json.loads(path.read_text()))
