"""`python -m efishery_run`, which is what `make run` does."""

import sys

from efishery_run.cli import main

sys.exit(main())
