from .back_projection import ITERATIONS as ITERATIONS
from .back_projection import LRConsistent as LRConsistent
from .back_projection import back_project as back_project
