"""The theory as algebra: expressions, identities, sensitivities, and the words and symbols it is written in."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
