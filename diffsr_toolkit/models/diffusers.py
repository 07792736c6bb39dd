"""Load a pretrained unconditional diffusion model as a denoiser with its schedule and its card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.models.card import ModelCard, plain_card
from diffsr_toolkit.models.locate import card_beside, locate
from diffsr_toolkit.models.unet import UNetDenoiser
from theory.schedules import NoiseSchedule


@dataclass(frozen=True)
class PretrainedModel:
    """A denoiser with the schedule it was trained on, and its card."""

    name: str
    denoiser: UNetDenoiser
    schedule: NoiseSchedule
    card: ModelCard


def load_model(
    name: str, device: str | torch.device | None = None, dtype: torch.dtype | None = None
) -> PretrainedModel:
    """Load a model by name.

    Parameters
    ----------
    name : str
        A shipped model (`diffsr models` lists them), a local folder written by diffusers, or a hub id ``owner/model``.
    device : str or torch.device, optional
        Default: the GPU when there is one, else the CPU.
    dtype : torch.dtype, optional
        The network's own precision; float32 by default.

    Raises
    ------
    ModelError
        When the model is unknown, unreadable, or conditioned on something the sampler does not give.
    """
    source, kwargs = locate(name)
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
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
    return PretrainedModel(name, denoiser, schedule, card_beside(name) or plain_card(name, schedule))


def card_of(name: str) -> ModelCard:
    """The card of any model, without its weights: the one beside it, else its schedule and the reference's constants.

    Raises
    ------
    ModelError
        When the model is unknown or unreadable.
    """
    found = card_beside(name)
    if found is not None:
        return found
    source, kwargs = locate(name)
    _, scheduler = _load_parts(name, source, kwargs, None)
    return plain_card(name, NoiseSchedule.from_diffusers(scheduler))


def _load_parts(name: str, source: str, kwargs: dict[str, Any], dtype: torch.dtype | None) -> tuple[Any, Any]:
    """The network, or None where no dtype asks for one, and the scheduler."""
    import diffusers
    from safetensors import SafetensorError

    unet = None
    try:
        index = _model_index(source, kwargs)
        unet_class, scheduler_class = index["unet"][1], index["scheduler"][1]
        if unet_class != "UNet2DModel":
            raise ModelError(
                f"model {name!r} uses {unet_class}, which is conditioned; "
                "only unconditional UNet2DModel pipelines are supported so far"
            )
        if dtype is not None:
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
