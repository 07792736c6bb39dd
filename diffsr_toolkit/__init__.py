"""Super-resolution with pretrained diffusion models, and the theory of how much noise it needs.

Everything public is imported on first use (PEP 562), so that ``import diffsr_toolkit`` stays instant.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
