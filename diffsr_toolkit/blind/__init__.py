"""What happened to an image, told from its pixels alone: blur, noise and JPEG compression."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
