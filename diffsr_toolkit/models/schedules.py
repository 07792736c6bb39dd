"""A noise schedule as plain values, so that a card can hold one exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from theory.schedules import NoiseSchedule


def schedule_to_dict(schedule: NoiseSchedule) -> dict[str, Any]:
    """Family and numbers of a schedule: the table of a discrete one, the parameters of a continuous one."""
    table = schedule.alphas_cumprod
    if table is not None:
        return {"name": schedule.name, "alphas_cumprod": table.tolist()}
    return {"name": schedule.name, **vars(schedule.curve)}


def schedule_from_dict(stored: Mapping[str, Any]) -> NoiseSchedule:
    """The schedule of `schedule_to_dict`, equal to the bit.

    Raises
    ------
    KeyError, ValueError
        When it is none.
    """
    parameters = dict(stored)
    name = str(parameters.pop("name"))
    if "alphas_cumprod" in parameters:
        return NoiseSchedule.from_alphas_cumprod(parameters["alphas_cumprod"], name=name)
    make = {
        "flow_matching": NoiseSchedule.flow_matching,
        "karras": NoiseSchedule.karras,
        "exponential": NoiseSchedule.exponential,
    }
    return make[name](**parameters)
