"""`python -m tests.simulation --seeds 20000`, or `--seed 7` to replay one with its log."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from multiprocessing import Pool

from tests.simulation import boundary
from tests.simulation.run import run
from tests.simulation.scenarios import SCENARIOS

VIOLATED = 3  # the exit code; 1 is Python's own, for an exception


def main() -> int:
    """Run seeds; the exit code is 3 if any violates an invariant."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=2000, help="how many to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="run one and print its log")
    parser.add_argument("--scenario", choices=SCENARIOS, help="run one that is written down, and print its log")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    arguments = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set of strings depends on it
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606 -- this program
    if arguments.seed is not None or arguments.scenario:
        boundary.install(logs=True)
        result = run(arguments.seed or 0, print, SCENARIOS.get(arguments.scenario))
        print(result)
        return VIOLATED if result.violation else 0
    return _run_many(range(arguments.first, arguments.first + arguments.seeds), arguments.jobs)


def _run_many(seeds: range, jobs: int) -> int:
    began, failed, seconds = time.monotonic(), 0, 0.0
    with Pool(jobs, initializer=_initialize) as pool:
        for result in pool.imap(run, seeds, chunksize=8):
            seconds += result.seconds
            if result.violation:
                failed += 1
                print(f"seed {result.seed}, {result.seconds:.0f} s: {result.violation}", flush=True)
    print(f"{len(seeds)} seeds, {failed} failed; {seconds / 3600:.1f} h simulated in {time.monotonic() - began:.0f} s")
    return VIOLATED if failed else 0


def _initialize() -> None:
    boundary.install(logs=False)
    gc.freeze()  # it need not look at the modules again


if __name__ == "__main__":
    sys.exit(main())
