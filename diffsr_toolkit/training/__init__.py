"""What makes the models that ship with the toolkit: photographs, crops, training, evaluation, patches."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
