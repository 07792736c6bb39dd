"""Laws that are not Gaussian but solvable, a mixture and real patches, and how loose the bounds are on them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
