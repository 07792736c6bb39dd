"""The recipe of the second embedded pair: a diffusion model of Fashion-MNIST and a classifier that judges it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
