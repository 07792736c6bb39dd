"""Explorers for notebooks: pick a scale, move the theory, leaf through the study."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
