"""How a network's output becomes an estimate of the image: one table for every family.

``D(x, sigma) = c_skip x + c_out F(c_in x, c_noise)``, in the coordinates ``x = x0 + sigma * noise`` (Karras et al.
2022, eq. 7). A family is what its network F predicts; ``alpha`` and ``sigma_t`` below are those of its own state
``x_t = alpha (x0 + sigma * noise)``.

========== ============== ================= ===================
F predicts c_skip         c_out             c_in
========== ============== ================= ===================
epsilon    1              -sigma            1/sqrt(1+sigma^2)
sample     0              1                 1/sqrt(1+sigma^2)
v          1/(1+sigma^2)  -sigma * c_in     1/sqrt(1+sigma^2)
flow       c_in           -sigma * c_in     1/(1+sigma)
EDM        (d/n)^2        +-sigma d/n       1/n
========== ============== ================= ===================

with ``d = sigma_data`` and ``n = sqrt(sigma^2 + d^2)``. ``c_noise`` is the schedule's own timestep, but for EDM,
whose networks are told ``log(sigma) / 4``.

References
----------
Karras, Aittala, Aila, Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS 2022,
table 1; Salimans, Ho, "Progressive distillation", ICLR 2022 (v); Lipman et al., "Flow matching", ICLR 2023.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diffsr_toolkit.errors import ModelError

Coefficient = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Preconditioning:
    """One row of the table; each function takes noise levels of any shape, in units of [-1, 1].

    Attributes
    ----------
    c_skip, c_out, c_in : callable
    c_noise : callable or None
        What the network is told of the noise; None for the schedule's own timestep.
    """

    c_skip: Coefficient
    c_out: Coefficient
    c_in: Coefficient
    c_noise: Coefficient | None = None


def _preserving(sigma: Tensor) -> Tensor:
    """Alpha of a variance-preserving state."""
    return 1 / torch.sqrt(1 + sigma**2)


def _straight(sigma: Tensor) -> Tensor:
    """Alpha of a flow-matching state."""
    return 1 / (1 + sigma)


PRECONDITIONINGS: dict[str, Preconditioning] = {
    "epsilon": Preconditioning(torch.ones_like, lambda sigma: -sigma, _preserving),
    "sample": Preconditioning(torch.zeros_like, torch.ones_like, _preserving),
    "v_prediction": Preconditioning(
        lambda sigma: _preserving(sigma) ** 2, lambda sigma: -(_preserving(sigma) * sigma), _preserving
    ),
    "flow_prediction": Preconditioning(_straight, lambda sigma: -(_straight(sigma) * sigma), _straight),
}
"""By diffusers' names of what a network predicts."""


def edm(sigma_data: float, sign: float = 1.0) -> Preconditioning:
    """EDM's own preconditioning for images of standard deviation ``sigma_data``.

    ``sign`` is -1 for the schedulers of diffusers that call EDM's output a v-prediction.
    """

    def norm(sigma: Tensor) -> Tensor:
        return torch.sqrt(sigma**2 + sigma_data**2)

    return Preconditioning(
        lambda sigma: (sigma_data / norm(sigma)) ** 2,
        lambda sigma: sign * sigma * sigma_data / norm(sigma),
        lambda sigma: 1 / norm(sigma),
        lambda sigma: torch.log(sigma) / 4,
    )


def preconditioning_of(prediction_type: str, sigma_data: float | None = None) -> Preconditioning:
    """The row of a network.

    Parameters
    ----------
    prediction_type : {"epsilon", "sample", "v_prediction", "flow_prediction"}
        What it returns.
    sigma_data : float, optional
        Given for networks with EDM's preconditioning, where ``prediction_type`` only sets the output's sign.

    Raises
    ------
    ModelError
        When the prediction type is unknown.
    """
    if prediction_type not in PRECONDITIONINGS:
        raise ModelError(f"prediction_type={prediction_type!r} is unknown: use {', '.join(PRECONDITIONINGS)}")
    if sigma_data is not None:
        return edm(sigma_data, -1.0 if prediction_type == "v_prediction" else 1.0)
    return PRECONDITIONINGS[prediction_type]
