from .estimation import MIN_SIDE as MIN_SIDE
from .estimation import Estimate as Estimate
from .estimation import estimate_blur as estimate_blur
from .estimation import estimate_degradation as estimate_degradation
from .estimation import estimate_jpeg as estimate_jpeg
from .estimation import estimate_noise as estimate_noise
from .estimation import fit_spectrum as fit_spectrum
