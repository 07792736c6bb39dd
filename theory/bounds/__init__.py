"""Bounds on what noise injection can do, for any data: each one, all of one input, and Monte Carlo to check."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
