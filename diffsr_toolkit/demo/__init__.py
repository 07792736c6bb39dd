"""The demonstration: four photographs, four scales, the predicted timestep beside the best one measured."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
