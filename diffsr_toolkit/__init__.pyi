from .errors import ToolkitError as ToolkitError
from .metrics import FeatureDistance as FeatureDistance
from .pipeline import DiffSR as DiffSR
from .pipeline import Result as Result
from .prediction import Predictor as Predictor
from .sampling import inject as inject
from .sampling import sample as sample
from .sampling import step_sigmas as step_sigmas
from .settings import PAIR as PAIR
from .settings import SamplingSettings as SamplingSettings

__version__: str
