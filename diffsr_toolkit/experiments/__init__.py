"""The validation: each experiment sets what the theory predicts beside what this project measures.

``oracle``: Gaussian fields, on which the theory is exact. ``slack``: bounds over the truths they bound. ``signature``:
the upper end of the field, measured as a picture's class. ``study``: predicted against best timesteps of photographs.
``python -m diffsr_toolkit.experiments.NAME`` makes an experiment's tables, which ship in ``data/``.
"""
