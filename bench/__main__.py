"""`python -m bench`, which is what `make bench` does."""

import sys

from bench.cli import main

sys.exit(main())
