"""Numbers from a sweep's table: optima, averages with intervals, methods side by side; no pictures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
