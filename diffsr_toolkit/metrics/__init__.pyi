from .features import FeatureDistance as FeatureDistance
from .lost_band import lost_band_power as lost_band_power
from .registry import METRICS as METRICS
from .registry import border_shave as border_shave
from .registry import evaluate as evaluate
from .registry import luma as luma
from .registry import protocol as protocol
