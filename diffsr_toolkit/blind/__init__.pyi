from .blockiness import estimate_jpeg as estimate_jpeg
from .blur import estimate_blur as estimate_blur
from .estimation import Estimate as Estimate
from .estimation import estimate_degradation as estimate_degradation
from .measurement import Measurement as Measurement
from .noise import estimate_noise as estimate_noise
