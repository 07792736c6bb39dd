"""What the lecture is made of: chapters with results to use and steps that prove them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from theory import symbolic
from theory.symbolic import Identity


@dataclass(frozen=True)
class Result:
    """A formula worth keeping.

    Attributes
    ----------
    statement : str
        In words, formulas between dollar signs.
    name : str
        What it is a formula of, in LaTeX.
    value : sympy.Expr
    """

    statement: str
    name: str
    value: sp.Expr

    def latex(self) -> str:
        """``name = value`` in LaTeX."""
        return symbolic.latex(self.value, self.name)

    def text(self) -> str:
        """The value in sympy's plain notation."""
        return str(self.value)


@dataclass(frozen=True)
class Chapter:
    """One idea of the theory.

    Attributes
    ----------
    title : str
    text : str
        A few plain sentences, formulas between dollar signs.
    steps : mapping of str to Identity
        In order of reading.
    results : mapping of str to Result
        What the chapter leaves behind.
    """

    title: str
    text: str
    steps: Mapping[str, Identity]
    results: Mapping[str, Result] = field(default_factory=dict)
