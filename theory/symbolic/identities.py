"""A claim as an equation that sympy proves: the unit that `theory.lecture` is made of.

An inequality enters through an equation whose right side is visibly non-negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theory.symbolic import expressions

S, r, sigma, sigma_next, eta = sp.symbols("S r sigma sigma_n eta", positive=True)
h = sp.Symbol("h", positive=True)
"""Spectrum at one frequency; ``snr * S``; noise level before and after a step; DDIM's eta; what down-then-up keeps."""


@dataclass(frozen=True)
class Identity:
    """An equation with what it says.

    Attributes
    ----------
    statement : str
        In words, formulas between dollar signs.
    left, right : sympy.Expr
        May hold derivatives, integrals, sums and limits to be carried out.
    """

    statement: str
    left: sp.Expr
    right: sp.Expr

    def holds(self) -> bool:
        """Whether sympy, having carried out what is to be, reduces ``left - right`` to zero."""
        left, right = self.left.doit(), self.right.doit()
        if left == right:
            return True
        difference = sp.simplify(left - right)
        if difference == 0:
            return True
        attempts = (
            lambda x: sp.simplify(sp.expand(sp.radsimp(x))),
            lambda x: sp.simplify(sp.expand(sp.expand_trig(x))),
            lambda x: sp.simplify(sp.expand_log(sp.expand(x.rewrite(sp.exp)), force=True)),
        )
        return any(attempt(difference) == 0 for attempt in attempts)

    def latex(self) -> str:
        """The equation in LaTeX."""
        return f"{expressions.latex(self.left)} = {expressions.latex(self.right)}"

    def text(self) -> str:
        """The equation in sympy's plain notation."""
        return f"{self.left} = {self.right}"
