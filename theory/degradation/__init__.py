"""What becomes of an image on its way down and up again: blur, bicubic kernel, noise, JPEG, by frequency."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
