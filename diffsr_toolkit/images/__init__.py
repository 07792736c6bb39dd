"""Images of every kind as tensors: files, sizes, the one resampling kernel, degradations."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
