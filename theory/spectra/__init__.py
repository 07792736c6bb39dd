"""Spectra of images: the power law, the measured one, and fits from an image or from its LR version alone."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
