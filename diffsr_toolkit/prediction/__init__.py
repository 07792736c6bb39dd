"""The predicted field of a model at a scale, from its card and its schedule alone."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
