from .__main__ import main as main
from .figures import Restorations as Restorations
from .figures import field_figure as field_figure
from .run import photographs as photographs
from .run import run_demo as run_demo
