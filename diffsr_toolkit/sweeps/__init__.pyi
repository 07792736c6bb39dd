from .store import Rows as Rows
from .store import Store as Store
from .store import read_store as read_store
from .sweep import auto_timesteps as auto_timesteps
from .sweep import named_images as named_images
from .sweep import run_sweep as run_sweep
