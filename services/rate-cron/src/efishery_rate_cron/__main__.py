"""`python -m efishery_rate_cron`, the same as the command `rate-cron`."""

import sys

from efishery_rate_cron.cli import main

sys.exit(main())
