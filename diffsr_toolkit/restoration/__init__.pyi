from .baselines import BASELINES as BASELINES
from .restorer import DiffusionRestorer as DiffusionRestorer
from .restorer import Restorer as Restorer
