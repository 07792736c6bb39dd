"""What makes a model's card: constants, responses and denoising curve, measured on pictures of its domain."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
