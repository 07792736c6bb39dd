"""``python -m diffsr_toolkit`` is the command ``diffsr``."""

import sys

from diffsr_toolkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
