from .lr_spectrum import Measurement as Measurement
from .lr_spectrum import estimate_blur as estimate_blur
from .lr_spectrum import fit_spectrum as fit_spectrum
from .spectra import PowerLaw as PowerLaw
from .spectra import RadialPSD as RadialPSD
from .spectra import fit_power_law as fit_power_law
from .spectra import fit_power_law_from_lr as fit_power_law_from_lr
from .spectra import radial_psd as radial_psd
