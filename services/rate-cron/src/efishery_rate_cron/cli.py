"""The command `rate-cron`; README.md has its exit codes."""

import argparse
import signal
from collections.abc import Sequence

import redis

from efishery_rate_cron.outcome import EXIT_CODES, Outcome, Result
from efishery_rate_cron.refresh import refresh
from efishery_rate_cron.settings import RateCronSettings
from servicekit.logging import configure
from servicekit.settings import load


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once and return the exit code; raises SystemExit(2) for bad settings and arguments."""
    accept_change = parse_arguments(arguments).accept_change
    settings = load(RateCronSettings)
    configure(settings.log_level, settings.log_format)
    # As process 1 of a container it would ignore SIGTERM.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = refresh(settings, None if accept_change else settings.max_change_percent)
    except redis.RedisError as error:
        result = Result(Outcome.REDIS_UNAVAILABLE, reason=str(error))
    except KeyboardInterrupt:
        result = Result(Outcome.TERMINATED, reason="ended by a signal")
    result.log()
    return EXIT_CODES[result.outcome]


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line, by default that of the process; raises SystemExit(2) for an unknown argument."""
    parser = argparse.ArgumentParser("rate-cron", description="Refresh the IDR to USD rate in Redis once.")
    parser.add_argument(
        "--accept-change",
        action="store_true",
        help="accept any rate within RATE_CRON_MIN_RATE and RATE_CRON_MAX_RATE, however far from the previous one",
    )
    return parser.parse_args(arguments)
