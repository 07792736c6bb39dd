"""Noise schedules as one thing only: a continuous, exactly invertible map between timestep and SNR."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
