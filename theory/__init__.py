"""Theory of the Perceptual Recoverable Field (PRF): how much noise to inject for super-resolution.

The package needs numpy alone until something that uses scipy or sympy is called, and never torch. What it
derives is this project's own; see `theory.prf`, `theory.bounds`, `theory.gaussian` and `theory.symbolic`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
