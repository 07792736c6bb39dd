"""The validation study: predicted against measured timestep, over denoisers, schedules, samplers and metrics.

``arms`` says what is measured, ``measurements`` and ``responses`` measure it, ``cases`` and ``predictors`` set every
way of choosing a timestep beside it, ``analysis`` and ``summary`` make the tables. The rest reads the tables alone:
``readable``, ``sentences`` and ``explanations`` for text, ``panels``, ``plots`` and ``response_plots`` for figures.
``python -m diffsr_toolkit.experiments.study`` runs it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
