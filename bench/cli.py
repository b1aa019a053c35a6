"""The command of `make bench`: measures, prints the tables and writes docs/performance.md."""

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Final

from bench import machine
from bench.context import Options, Part, say
from bench.report import Report
from bench.run import Run
from bench.tables import goals_table
from efishery_run.cli import REPOSITORY, STOP_SIGNALS
from efishery_run.errors import Interrupted, LaunchError
from efishery_run.state import State, held
from efishery_run.supervisor import Supervisor

RATES: Final = {219: 1000, 10_000: 200}  # requests a second by the number of rows: what most targets can hold
STATE: Final = REPOSITORY / ".run" / "bench"


def main(arguments: list[str] | None = None) -> int:
    """Run; answers 0 when all was measured, 130 when interrupted, and 1 otherwise."""
    given = _parser().parse_args(arguments)
    os.umask(0o077)
    os.chdir(REPOSITORY)
    options = Options(
        rates={rows: RATES[rows] for rows in given.rows},
        rounds=given.rounds,
        seconds=given.seconds,
        limit_seconds=given.limit,
        parts=(given.only,) if given.only else tuple(Part),
        unchecked=given.unchecked,
    )
    state = State(STATE)
    supervisor = Supervisor(state.logs)
    for number in STOP_SIGNALS:
        signal.signal(number, supervisor.interrupt)
    try:
        with held(state), supervisor:
            state.prepare()
            run = Run(options, state, supervisor)
            run.measure_all()
    except Interrupted:
        say("interrupted: nothing is written")
        return 130
    except LaunchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    _report(Report(options, run.results, run.served, machine.facts(), datetime.now(UTC).date().isoformat()), given)
    return 0


def _report(report: Report, given: argparse.Namespace) -> None:
    listed = [report.tables(), goals_table(report.results)] if report.served else []
    sys.stdout.write("\n".join(filter(None, [*listed, report.logins()])))
    if given.print_only or given.unchecked:
        return
    report.write()
    say("written: docs/performance.md")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures the service beside reference implementations; Ctrl-C stops everything.",
        epilog='With make: make bench ARGS="--rounds 1 --print-only".',
    )
    parser.add_argument("--rows", type=int, nargs="+", choices=sorted(RATES), default=sorted(RATES), help="lengths")
    parser.add_argument("--rounds", type=_positive, default=5, help="rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=_positive, default=3, help="of each measurement (default: %(default)s)")
    parser.add_argument("--limit", type=_positive, default=1500, help="seconds of the whole run (default: %(default)s)")
    parser.add_argument("--only", type=Part, choices=tuple(Part), help="measure and write one part alone")
    parser.add_argument("--print-only", action="store_true", help="print the tables, write nothing")
    parser.add_argument(
        "--unchecked",
        action="store_true",
        help="measure although targets do not answer alike or the cores are in use; implies --print-only",
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number from 1 up")
    return int(text)
