"""The theory as a lecture: chapters of results and of steps that sympy proves.

``python -m theory.lecture --format markdown`` prints it. Everything is this project's own derivation from standard
facts, none of it the Diff-SR paper's text.

Examples
--------
>>> from theory import lecture
>>> lecture.chapters()[0].title
'The state and its signal-to-noise ratio'
>>> lecture.identities()["duality"].holds()
True
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
