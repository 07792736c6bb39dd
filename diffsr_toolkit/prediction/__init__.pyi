from .predictor import Predictor as Predictor
from .sensitivities import has_sensitivity as has_sensitivity
from .sensitivities import sensitivity as sensitivity
from .spectra import image_spectrum as image_spectrum
from .spectra import told_degradation as told_degradation
