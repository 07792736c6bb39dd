"""The signature, measured: at which timestep a restored picture stops being of its original's class.

``tasks`` says what is restored, ``measure`` restores and judges it, ``statistics`` and ``intervals`` sum it up,
``pictures`` and ``theory`` predict it from what is known of the pictures, ``tables`` and ``plots`` set both side by
side. ``python -m diffsr_toolkit.experiments.signature`` writes the tables.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
