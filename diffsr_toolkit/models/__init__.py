"""Models as denoisers ``D(x, sigma) -> x0``, and what is known of each: its card."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
