"""What the words of the theory mean: each as a formula, a function that computes it, and one plain sentence.

This is the project's own derivation. The table of symbols is in `theory.symbolic.notation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from theory.prf import missing_deficit, surviving_loss
from theory.symbolic import expressions
from theory.symbolic.identities import S, h, r
from theory.symbolic.markdown import markdown_table


@dataclass(frozen=True)
class Definition:
    """One word of the theory.

    Attributes
    ----------
    name : str
    symbol : str
        LaTeX.
    formula : sympy.Expr or str
        In the symbols of `theory.symbolic`; LaTeX where sympy has no word for it.
    function : str
        Dotted path of what computes it.
    sentence : str
        What it means, for people.
    """

    name: str
    symbol: str
    formula: sp.Expr | str
    function: str
    sentence: str

    def latex(self) -> str:
        """``symbol = formula`` in LaTeX."""
        body = self.formula if isinstance(self.formula, str) else expressions.latex(self.formula)
        return f"{self.symbol} = {body}"

    def numeric(self, *arguments: sp.Symbol) -> Callable[..., Any]:
        """The formula as a numpy function.

        Raises
        ------
        TypeError
            If the formula is LaTeX only.
        """
        if isinstance(self.formula, str):
            raise TypeError(f"{self.name} is defined in LaTeX only; call {self.function} instead.")
        return expressions.numeric(self.formula, *arguments)

    def resolve(self) -> Any:
        """The function, method or property that `function` names."""
        parts = self.function.split(".")
        found = import_module(".".join(parts[:2]))
        for part in parts[2:]:
            found = getattr(found, part)
        return found


def low_level_fidelity(r: ArrayLike) -> NDArray[np.float64]:
    """``1 - R`` of a missing frequency at ``r = snr * S``, in [0, 1]."""
    return 1 - missing_deficit(r)


def high_level_signature(r: ArrayLike) -> NDArray[np.float64]:
    """``1 - L`` of a surviving frequency at ``r = snr * S``: its correlation with the original, in [0, 1]."""
    return 1 - surviving_loss(r)


_deficit = (1 - 1 / sp.sqrt(1 + r)) ** 2
_loss = 1 - sp.sqrt(r / (1 + r))
_ratio = (h**2 * S + 1 / expressions.snr) / (S + 1 / expressions.snr)

DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "realism deficit",
        "R",
        _deficit,
        "theory.prf.missing_deficit",
        "How far the detail of a restoration is from the law of real detail: 1 when the blur is kept, 0 when "
        "what was lost is made anew as strongly as photographs have it.",
    ),
    Definition(
        "low-level fidelity",
        "F",
        1 - _deficit,
        "theory.symbolic.definitions.low_level_fidelity",
        "How much of the fine structure that a photograph should have is there; too little noise loses it.",
    ),
    Definition(
        "signature loss",
        "L",
        _loss,
        "theory.prf.surviving_loss",
        "How much of what the small image still knew about the original the restoration has forgotten: 0 none, "
        "1 all.",
    ),
    Definition(
        "high-level signature",
        "1 - L",
        1 - _loss,
        "theory.symbolic.definitions.high_level_signature",
        "How strongly the layout of the restoration, who and what is where, still agrees with the original's; "
        "too much noise loses it.",
    ),
    Definition(
        "mismatch",
        r"\mathrm{KL}",
        (_ratio - 1 - sp.log(_ratio)) / 2,
        "theory.bounds.gaussian_kl",
        "How easily the noised enlargement can be told from a noised original, in nats (here per frequency of a "
        "Gaussian image, of which the enlargement keeps the factor h); whatever the images, at most half the "
        "SNR times the energy of what is missing.",
    ),
    Definition(
        "lower end of the field",
        r"\mathrm{snr}(t_{low})",
        expressions.snr_low(),
        "theory.prf.ClosedForm.snr_low",
        "The least noise that drowns the first missing frequency well enough for it to be made anew.",
    ),
    Definition(
        "upper end of the field",
        r"\mathrm{snr}(t_{high})",
        expressions.snr_high(),
        "theory.prf.ClosedForm.snr_high",
        "The most noise that still leaves the signature readable; it does not depend on the scale.",
    ),
    Definition(
        "recoverable field",
        r"\mathrm{PRF}_s",
        r"\{t : R(t) \le \epsilon_R,\ L(t) \le \epsilon_L\} = [t_{low}, t_{high}]",
        "theory.prf.PRF.predict",
        "The timesteps at which an image of this scale gets back its detail and keeps its content.",
    ),
    Definition(
        "optimum",
        r"\mathrm{snr}(t^*)",
        expressions.snr_optimal(),
        "theory.prf.ClosedForm.snr_opt",
        "The noise level with the best balance of the two losses for a metric whose constant is c.",
    ),
    Definition(
        "critical scale",
        r"s_{\max}",
        expressions.critical_scale_bounded(),
        "theory.prf.critical_scale",
        "The largest scale whose field is not empty.",
    ),
    Definition(
        "coherent gain",
        "K(f)",
        r"\mathrm{E}\,\mathrm{Re}(\hat{x}_f \bar{x}_f) / S_f",
        "theory.prf.ModelResponse.at_scale",
        "The share of the original's frequency that one model's restoration gives back in place and phase, as "
        "measured.",
    ),
    Definition(
        "regenerated share",
        "P(f)",
        r"\mathrm{E}\,|\hat{x}_f|^2 / S_f,\quad f > f_c",
        "theory.prf.ModelResponse.at_scale",
        "The share of the missing band's power that one model really makes, right or wrong; an ideal denoiser of "
        "Gaussian images makes 1 / (1 + r), a timid one hands the blur back.",
    ),
)
"""The words, in the order in which they build on one another."""


def to_markdown() -> str:
    """The definitions as a Markdown table, formulas between dollar signs."""
    rows = [
        (entry.name, f"${entry.latex()}$", entry.sentence, f"`{entry.function}`") for entry in DEFINITIONS
    ]
    return markdown_table(("name", "formula", "meaning", "computed by"), rows)
