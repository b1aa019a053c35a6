"""The load generators: wrk for the highest throughput, vegeta for the latency at a constant rate."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import machine
from efishery_run.errors import LaunchError
from efishery_run.supervisor import Process, Supervisor

CONNECTIONS: Final = 32
MOST_CONNECTIONS: Final = 128  # of vegeta; a request's wait for one counts. Envoy's limit for a service is the same
ANSWER_SECONDS: Final = 30  # an answer that takes longer is a failure
LOWEST_RATE: Final = 0.95  # of the rate that was asked for
LOGINS_SCRIPT: Final = Path(__file__).with_name("logins.lua")
GRACE_SECONDS: Final = 10.0  # for starting and ending a load generator

_RATE = re.compile(r"^Requests/sec:\s+([0-9.]+)$", re.MULTILINE)
_FAILURES = re.compile(r"^\s*(?:Non-2xx or 3xx responses: .*|Socket errors: .*|Status [45]\d\d: .*)$", re.MULTILINE)
_SOCKET_ERRORS = re.compile(r"^\s*Socket errors: .*$", re.MULTILINE)
_STATUS = re.compile(r"^Status (\d+): (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Request:
    """A GET request of a URL."""

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Logins:
    """Logins of many users in turns: `bodies` has the body of one in each line."""

    url: str
    bodies: Path
    connections: int

    def wrk(self, name: str, seconds: float) -> Process:
        """The load generator."""
        arguments = ("-s", str(LOGINS_SCRIPT), self.url, "--", str(self.bodies))
        return Process(name, _wrk_command(self.connections, seconds, *arguments))


@dataclass(frozen=True)
class Peak:
    """The throughput in requests a second, and how busy both cores were (0 to 1)."""

    throughput: float
    server_busy: float
    load_busy: float


@dataclass(frozen=True)
class Latency:
    """Percentiles of the latency in milliseconds, at `rate` requests a second."""

    rate: float
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True)
class LoadGenerators:
    """Runs wrk and vegeta; they run on the core of this process."""

    supervisor: Supervisor
    logs: Path
    cores: machine.Cores

    def warm_up(self, request: Request, seconds: float) -> None:
        """Send like `peak`, for its effect on the target alone."""
        self._wrk(request, seconds)

    def peak(self, request: Request, seconds: float) -> Peak:
        """Send as fast as the answers come, over CONNECTIONS connections; raises LaunchError for a failed request."""
        printed, server, load = machine.busy_during(self.cores, lambda: self._wrk(request, seconds))
        return Peak(parse_wrk(printed), server, load)

    def logins(self, logins: Logins, seconds: float) -> Peak:
        """Log in as fast as the answers come; raises LaunchError for a failed login."""
        process = logins.wrk("logins", seconds)
        printed, server, load = machine.busy_during(self.cores, lambda: self.run(process, seconds))
        return Peak(parse_wrk(printed), server, load)

    def latency(self, request: Request, status: int, rate: int, seconds: float) -> Latency:
        """Send `rate` requests a second, whether or not the former ones have been answered.

        Late answers delay no request, so none is omitted while the server stalls (coordinated omission).
        Raises LaunchError for a failed request.
        """
        targets, results = self.logs / "vegeta.targets", self.logs / "vegeta.results"
        headers = "".join(f"{name}: {value}\n" for name, value in request.headers.items())
        targets.write_text(f"GET {request.url}\n{headers}")
        options = (f"-targets={targets}", f"-output={results}", f"-rate={rate}/1s", f"-duration={seconds:g}s")
        more = ("-max-body=0", f"-timeout={ANSWER_SECONDS}s", "-redirects=-1", f"-max-connections={MOST_CONNECTIONS}")
        self.run(Process("vegeta", ("vegeta", "attack", *options, *more)), seconds)
        report = self.run(Process("vegeta-report", ("vegeta", "report", "-type=json", str(results))), seconds=0)
        return parse_vegeta(report, status, rate)

    def run(self, process: Process, seconds: float) -> str:
        """Run a program that takes `seconds` to its end; return what it printed. Raises LaunchError."""
        self.start(process)
        return self.finish(process, seconds)

    def start(self, process: Process) -> None:
        """Start a program whose output `finish` returns."""
        self._log(process).unlink(missing_ok=True)
        self.supervisor.start(process)

    def finish(self, process: Process, seconds: float) -> str:
        """Wait for the end of a program that needs `seconds` more; return what it printed. Raises LaunchError."""
        self.supervisor.wait(process, seconds + ANSWER_SECONDS + GRACE_SECONDS)
        return self._log(process).read_text()

    def _wrk(self, request: Request, seconds: float) -> str:
        headers = [part for name, value in request.headers.items() for part in ("-H", f"{name}: {value}")]
        return self.run(Process("wrk", _wrk_command(CONNECTIONS, seconds, *headers, request.url)), seconds)

    def _log(self, process: Process) -> Path:
        return self.logs / f"{process.name}.log"


def _wrk_command(connections: int, seconds: float, *arguments: str) -> tuple[str, ...]:
    return ("wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", f"{ANSWER_SECONDS}s", *arguments)


def parse_wrk(printed: str) -> float:
    """Return the requests a second that wrk reports; raises LaunchError if a request failed."""
    failures = _FAILURES.findall(printed)
    if failures:
        raise LaunchError(f"wrk met failures: {'; '.join(line.strip() for line in failures)}")
    rate = _RATE.search(printed)
    if rate is None:
        raise LaunchError(f"wrk reports no throughput:\n{printed}")
    if float(rate[1]) == 0:
        raise LaunchError("no request was answered while wrk ran: use more --seconds")
    return float(rate[1])


def parse_statuses(printed: str) -> dict[int, int]:
    """Return how many answers had each status, from logins.lua; raises LaunchError if a request had none."""
    errors = _SOCKET_ERRORS.search(printed)
    if errors:
        raise LaunchError(f"wrk met failures: {errors[0].strip()}")
    return {int(status): int(count) for status, count in _STATUS.findall(printed)}


def parse_vegeta(report: str, status: int, rate: int) -> Latency:
    """Return the latencies of vegeta's report in JSON.

    Raises LaunchError if an answer had another status, or if vegeta could not send `rate` requests a second.
    """
    fields = json.loads(report)
    if set(fields["status_codes"]) != {str(status)}:
        raise LaunchError(f"expected only the status {status}: {fields['status_codes']}; {fields['errors']}")
    if fields["rate"] < rate * LOWEST_RATE:
        raise LaunchError(f"vegeta sent {fields['rate']:.0f} of {rate} requests a second: its core is too slow")
    milliseconds = {name: nanoseconds / 1e6 for name, nanoseconds in fields["latencies"].items()}
    return Latency(fields["rate"], milliseconds["50th"], milliseconds["90th"], milliseconds["99th"])
