"""Names of the columns that several tables share, and of the method that is this project's own, in one place."""

SCALE = ["scale_y", "scale_x"]
CASE = ["image", *SCALE]
"""One picture at one scale."""

SETTINGS = ["steps", "eta", "spacing", "samples", "consistency"]
"""``SamplingSettings.protocol()``."""

SWEEP = [*CASE, "method", "t", "snr", "seed", "nfe", "seconds", "t_pred", "metric", "value"]
"""What every table of a sweep holds, besides its settings and how the metric was computed."""

KEYS = ["arm", *CASE, "seed"]
"""What identifies a curve of measured timesteps in the study; each holds every metric."""

SPECTRUM = ["amplitude", "exponent", "amplitude_log_std", "exponent_std", "pivot"]
"""A ``theory.PowerLaw``."""

DIFFSR = "diffsr"
"""In the column ``method``: a restoration by the model. The other methods are ``restoration.BASELINES``."""
