"""Slack: every bound over the truth it bounds, for laws of pictures whose truth can be computed.

``python -m diffsr_toolkit.experiments.slack`` writes the two tables.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
