"""Figures of fields, sweeps, images and bounds.

Every function draws where it is told, or returns a new figure, and changes nothing else.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
