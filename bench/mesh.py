"""The command of `make bench-mesh`: what gateway and sidecars add to the latency of a request.

A load pod sends 200 requests a second by turns through the gateway and to a pod of fetch directly.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from bench.load import MOST_CONNECTIONS, Latency, parse_vegeta
from bench.mesh_pods import CA, GATEWAY, Pods
from bench.report import PAGE, Section
from bench.scenarios import LIST, Token
from bench.statistics import Summary, differences, summarize
from bench.tables import table
from bench.tokens import log_in
from efishery_run.errors import LaunchError

RATE: Final = 200  # requests a second
PERCENTILES: Final = ("p50", "p90", "p99")
GOAL_MILLISECONDS: Final = 3.0  # added at p90
SECTION: Final = """\
A pod outside the mesh sends {rate} requests a second for {seconds} s by turns through the gateway, by HTTPS, and to a
pod of fetch directly, on a port that its sidecar leaves out; {rounds} rounds, on {date}, {where}. Milliseconds, as
median and range.

{table}
Added at p90: {added:.2f} ms, goal ≤ {goal:g} ms: {verdict}.
"""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the section and write it into docs/performance.md; answers 1 when something is missing."""
    given = _parser().parse_args(arguments)
    if not PAGE.exists() and not given.print_only:
        sys.stderr.write("bench-mesh: docs/performance.md is missing: run make bench first, or use --print-only\n")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends like Ctrl-C: the pods are deleted
    try:
        with Pods.create() as pods:
            phone, password = pods.admin()
            token = log_in(pods.gateway_url, phone, password)[Token.USER]
            rounds = [_round(pods, token, given.seconds) for _ in range(given.rounds)]
            where = pods.describe_cluster()
    except LaunchError as error:
        sys.stderr.write(f"bench-mesh: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("bench-mesh: interrupted: nothing is written\n")
        return 130
    meshed, direct = ([each[side] for each in rounds] for side in (0, 1))
    section = render(meshed, direct, seconds=given.seconds, where=where)
    sys.stdout.write(section)
    if not given.print_only:
        PAGE.write_text(Section.MESH.replaced(PAGE.read_text(), section))
    return 0


def _round(pods: Pods, token: str, seconds: int) -> tuple[Latency, Latency]:
    meshed = _measure(pods, f"https://{GATEWAY}{LIST}", token, seconds)
    return meshed, _measure(pods, f"http://{pods.direct_address}{LIST}", token, seconds)


def _measure(pods: Pods, url: str, token: str, seconds: int) -> Latency:
    target = f"GET {url}\nAuthorization: Bearer {token}\nAccept-Encoding: gzip\n"
    options = f"-rate={RATE}/1s -duration={seconds}s -max-body=0 -timeout=30s -max-connections={MOST_CONNECTIONS}"
    options += f" -root-certs={CA}"
    report = pods.in_load_pod(f"vegeta attack {options} | vegeta report -type=json", target, seconds + 60)
    return parse_vegeta(report, 200, RATE)


def render(meshed: Sequence[Latency], direct: Sequence[Latency], *, seconds: int, where: str) -> str:
    """Return the section of the page; the rounds of both sides pair."""
    added = {name: differences(_values(meshed, name), _values(direct, name)) for name in PERCENTILES}
    lines = [
        ["directly", *(_range(summarize(_values(direct, name))) for name in PERCENTILES)],
        ["through gateway and sidecar", *(_range(summarize(_values(meshed, name))) for name in PERCENTILES)],
        ["added", *(_range(added[name]) for name in PERCENTILES)],
    ]
    return SECTION.format(
        rate=RATE,
        seconds=seconds,
        rounds=len(meshed),
        date=datetime.now(UTC).date().isoformat(),
        where=where,
        table=table(["", *PERCENTILES], lines),
        added=added["p90"].median,
        goal=GOAL_MILLISECONDS,
        verdict="met" if added["p90"].median <= GOAL_MILLISECONDS else "not met",
    )


def _values(latencies: Sequence[Latency], name: str) -> list[float]:
    return [getattr(latency, name) for latency in latencies]


def _range(summary: Summary) -> str:
    return f"{summary.median:.2f} ({summary.low:.2f}–{summary.high:.2f})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.mesh", description="Needs the release that `make up` installs."
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=15, help="of each measurement (default: %(default)s)")
    parser.add_argument("--print-only", action="store_true", help="print the section, write nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
