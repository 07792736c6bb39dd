"""The exactly solvable case: a Gaussian image, its ideal denoiser, and the sampler in closed form."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
