"""`python -m efishery_rate_cron`, the same as the command `rate-cron`."""

import os
import sys
from typing import NoReturn

from efishery_rate_cron.cli import main


def run_and_exit() -> NoReturn:
    """Run once and end the process.

    `sys.exit` would wait for the threads of HTTPClient, and a provider that sends its headers byte by byte holds one.
    """
    code = main()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    run_and_exit()
