"""The oracle: Gaussian fields, on which the theory is exact, through this project's own sampler.

``cases`` says what is run, ``periodic`` and ``borders`` run it, ``paths`` and ``quantities`` set what the theory
expects beside it, ``comparison`` makes the table, ``steps`` tells what few steps cost without any sampling.
``python -m diffsr_toolkit.experiments.oracle`` writes the table.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
