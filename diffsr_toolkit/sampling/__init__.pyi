from .ddim import State as State
from .ddim import Step as Step
from .ddim import ddim_step as ddim_step
from .ddim import sample as sample
from .injection import inject as inject
from .injection import inject_antithetic as inject_antithetic
from .spacing import LEAST_SIGMA as LEAST_SIGMA
from .spacing import step_sigmas as step_sigmas
