from .mixture import GaussianMixture as GaussianMixture
from .patch_prior import PatchPrior as PatchPrior
from .patch_restoration import check_restoration as check_restoration
from .slack import GaussianOracle as GaussianOracle
from .slack import MixtureOracle as MixtureOracle
from .slack import Oracle as Oracle
from .slack import PatchOracle as PatchOracle
from .slack import slack_table as slack_table
