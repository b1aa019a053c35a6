"""One run: for each length of the list, starts the targets, checks them, and measures them in rounds."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench import checks, content, http, machine, tokens
from bench.load import LoadGenerators, Request
from bench.results import Key, Samples
from bench.scenarios import SCENARIOS, Scenario, Token
from bench.statistics import rotated
from bench.targets import (
    FASTAPI_CACHE,
    FASTAPI_RECOMPUTE,
    GO_MEMO,
    GO_VERIFY,
    GUNICORN,
    GUNICORN_SERVICE,
    NGINX,
    SERVICE,
    Factory,
    Target,
    image_command,
)
from efishery_run.errors import LaunchError
from efishery_run.ports import HOST, HTTP_SERVICES, Ports, free_ports
from efishery_run.services import Services
from efishery_run.state import State
from efishery_run.supervisor import Supervisor

READY_SECONDS: Final = 45.0
WARM_UP_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 2.0
IDLE_SHARE: Final = 0.2  # of a core that other programs may use
HEADROOM: Final = 1.25  # of the peak over the constant rate: closer to its peak, a server only shows its queue


@dataclass(frozen=True)
class Options:
    """How long and how much to measure. `rates` has the constant rate, requests a second, by the number of rows."""

    rates: dict[int, int]
    rounds: int
    seconds: float
    limit_seconds: float
    unchecked: bool = False


class Run:
    """Collects the results of all lengths of the list."""

    def __init__(self, options: Options, state: State, supervisor: Supervisor) -> None:
        self._options = options
        self._state = state
        self._supervisor = supervisor
        self._cores = machine.choose_cores()
        self._deadline = time.monotonic() + options.limit_seconds
        self.results: dict[Key, Samples] = {}
        self.served: dict[int, content.Content] = {}

    def measure_all(self) -> None:
        """Measure with each length; raises LaunchError and Interrupted."""
        machine.move_to(self._cores.load)
        self._check_idle()
        for rows in self._options.rates:
            self._measure(rows)
            self._supervisor.stop()

    def _measure(self, rows: int) -> None:
        ports = _choose_ports(free_ports(PORTS))
        services = Services(ports, self._state)
        say(f"{rows} rows: starting")
        issued = tokens.issue(services, self._state, self._supervisor)
        factory = Factory(self._state, self._cores, self._state.root / f"content-{rows}")
        service = self._start_service(services, factory, rows)
        self.served[rows], etags = content.fetch(service.url, issued.valid[Token.USER])
        content.write(factory.content, self.served[rows], etags, content.read_rate(ports.redis))
        targets = [service, *self._start_references(factory, ports, rows)]
        self._check(targets, rows, issued)
        self._measure_rounds(targets, rows, issued, etags)

    def _check_idle(self) -> None:
        cores = (self._cores.server, self._cores.load)
        before = [machine.ticks(core) for core in cores]
        time.sleep(IDLE_SECONDS)
        used = [machine.busy(ticks, machine.ticks(core)) for ticks, core in zip(before, cores, strict=True)]
        if max(used) > IDLE_SHARE and not self._options.unchecked:
            found = " and ".join(f"core {core} {share:.0%}" for core, share in zip(cores, used, strict=True))
            raise LaunchError(f"other programs use the cores ({found}): stop them, or use --unchecked")

    def _start_service(self, services: Services, factory: Factory, rows: int) -> Target:
        target = factory.service(SERVICE, services.ports, _list_url(services.ports, rows), image_command())
        self._supervisor.start(services.redis("server"), services.sample())
        self._supervisor.wait_until_ready(READY_SECONDS)
        self._supervisor.run(services.rate_cron(), READY_SECONDS)
        self._supervisor.start(target.process)
        self._supervisor.wait_until_ready(READY_SECONDS)
        return target

    def _start_references(self, factory: Factory, ports: Ports, rows: int) -> list[Target]:
        gunicorn_port, management_port, *free = free_ports(7)
        others = replace(ports, http={**ports.http, "fetch": gunicorn_port}, management={"fetch": management_port})
        targets = [
            factory.service(GUNICORN_SERVICE, others, _list_url(ports, rows), GUNICORN),
            factory.go(GO_MEMO, free[0], "memo"),
            factory.go(GO_VERIFY, free[1], "verify"),
            factory.fastapi(FASTAPI_CACHE, free[2], "cache"),
            factory.fastapi(FASTAPI_RECOMPUTE, free[3], "recompute"),
            factory.nginx(NGINX, free[4]),
        ]
        self._supervisor.start(*(target.process for target in targets))
        self._supervisor.wait_until_ready(READY_SECONDS)
        return targets

    def _check(self, targets: Sequence[Target], rows: int, issued: tokens.Tokens) -> None:
        found = checks.problems(targets, self.served[rows], issued)
        if not found:
            say(f"{rows} rows: {len(targets)} targets answer alike")
        elif self._options.unchecked:
            say("\n".join(["measured all the same, because of --unchecked:", *(f"  {text}" for text in found)]))
        else:
            raise LaunchError("\n  ".join(["the targets do not answer alike:", *found]))

    def _measure_rounds(self, targets: list[Target], rows: int, issued: tokens.Tokens, etags: dict[str, str]) -> None:
        pairs = [(target, scenario) for scenario in SCENARIOS for target in targets if _applies(scenario, target)]
        requests = {pair: _request(*pair, issued, etags) for pair in pairs}
        pairs = [pair for pair in pairs if self._is_supported(*pair, requests[pair])]
        load = LoadGenerators(self._supervisor, self._state.logs, self._cores)
        for target, scenario in pairs:
            load.warm_up(requests[target, scenario], WARM_UP_SECONDS)
        for number in range(self._options.rounds):
            for target, scenario in rotated(pairs, number):
                samples = self.results.setdefault(Key(rows, scenario.name, target.name), Samples())
                try:
                    self._measure_once(load, requests[target, scenario], scenario, samples, self._options.rates[rows])
                except LaunchError as error:
                    raise LaunchError(f"{target.name}: {scenario.name}: {error}") from error
                self._truncate_logs()
            say(f"{rows} rows: round {number + 1} of {self._options.rounds}")

    def _is_supported(self, target: Target, scenario: Scenario, request: Request) -> bool:
        problem = checks.scenario_problem(target, scenario, dict(request.headers))
        if problem and not self._options.unchecked:
            raise LaunchError(problem)
        return problem is None

    def _measure_once(
        self, load: LoadGenerators, request: Request, scenario: Scenario, samples: Samples, rate: int
    ) -> None:
        if time.monotonic() > self._deadline:
            raise LaunchError(f"not done within {self._options.limit_seconds:g} s: use fewer --rounds or --seconds")
        samples.peaks.append(load.peak(request, self._options.seconds))
        # The first round decides for all, so that each has as many latencies.
        if scenario.compared and (samples.latencies or samples.peaks[0].throughput > rate * HEADROOM):
            samples.latencies.append(load.latency(request, scenario.status, rate, self._options.seconds))

    def _truncate_logs(self) -> None:
        """Empty the access logs, which have a line for each request; they are open for appending."""
        for log in self._state.logs.glob("*.log"):
            with log.open("r+b") as file:
                file.truncate(0)


PORTS: Final = 3 + 2 * len(HTTP_SERVICES)


def say(text: str) -> None:
    """Tell the terminal how far the run is."""
    sys.stdout.write(f"==> {text}\n")
    sys.stdout.flush()


def _choose_ports(free: list[int]) -> Ports:
    gateway, redis, jwks, *rest = free
    count = len(HTTP_SERVICES)
    http_ports = dict(zip(HTTP_SERVICES, rest[:count], strict=True))
    return Ports(gateway, redis, jwks, http_ports, dict(zip(HTTP_SERVICES, rest[count:], strict=True)))


def _list_url(ports: Ports, rows: int) -> str:
    return f"http://{HOST}:{ports.http['sample']}/commodities?rows={rows}"


def _applies(scenario: Scenario, target: Target) -> bool:
    return scenario.compared or target.name == SERVICE


def _request(target: Target, scenario: Scenario, issued: tokens.Tokens, etags: dict[str, str]) -> Request:
    encoding = "gzip" if scenario.gzip else "identity"
    headers = {**http.bearer(issued.valid[scenario.token]), "Accept-Encoding": encoding}
    if scenario.conditional:
        headers["If-None-Match"] = etags[encoding]
    return Request(target.url + scenario.path, headers)
