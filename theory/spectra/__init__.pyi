from .fit import fit_power_law as fit_power_law
from .fit import fit_power_law_from_lr as fit_power_law_from_lr
from .lr_spectrum import fit_lr as fit_lr
from .lr_spectrum import fit_spectrum as fit_spectrum
from .power_law import PowerLaw as PowerLaw
from .radial import MIN_SIZE as MIN_SIZE
from .radial import RadialPSD as RadialPSD
from .radial import radial_psd as radial_psd
