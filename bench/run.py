"""One run: for each length of the list, starts the targets, checks them, and measures them in rounds; then logins."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bench import checks, content, http, logins, machine, tokens
from bench.context import READY_SECONDS, Context, Options, Part, choose_ports, say, upstream_url
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
)
from efishery_run.errors import LaunchError
from efishery_run.ports import Ports, free_ports
from efishery_run.services import Services
from efishery_run.state import State
from efishery_run.supervisor import Supervisor

WARM_UP_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 2.0
IDLE_SHARE: Final = 0.2  # of a core that other programs may use
HEADROOM: Final = 1.25  # of the peak over the constant rate: closer to its peak, a server only shows its queue


class Run:
    """Collects the results of all lengths of the list."""

    def __init__(self, options: Options, state: State, supervisor: Supervisor) -> None:
        deadline = time.monotonic() + options.limit_seconds
        self._context = Context(options, state, supervisor, machine.choose_cores(), deadline)
        self.results: dict[Key, Samples] = {}
        self.served: dict[int, content.Content] = {}

    def measure_all(self) -> None:
        """Measure the list with each length, and logins; raises LaunchError and Interrupted."""
        context = self._context
        machine.move_to(context.cores.load)
        self._check_idle()
        if Part.LIST in context.options.parts:
            for rows in context.options.rates:
                self._measure(rows)
                context.supervisor.stop()
        if Part.LOGINS in context.options.parts:
            self.results |= logins.measure(context)
            context.supervisor.stop()

    def _measure(self, rows: int) -> None:
        ports = choose_ports()
        services = Services(ports, self._context.state)
        say(f"{rows} rows: starting")
        issued = tokens.issue(services, self._context.state, self._context.supervisor)
        factory = Factory(self._context.state, self._context.cores, self._context.state.root / f"content-{rows}")
        service = self._context.start_service(services, factory, rows)
        self.served[rows], etags = content.fetch(service.url, issued.valid[Token.USER])
        content.write(factory.content, self.served[rows], etags, content.read_rate(ports.redis))
        targets = [service, *self._start_references(factory, ports, rows)]
        self._check(targets, rows, issued)
        self._measure_rounds(targets, rows, issued, etags)

    def _check_idle(self) -> None:
        cores = (self._context.cores.server, self._context.cores.load)
        before = [machine.ticks(core) for core in cores]
        time.sleep(IDLE_SECONDS)
        used = [machine.busy(ticks, machine.ticks(core)) for ticks, core in zip(before, cores, strict=True)]
        if max(used) > IDLE_SHARE and not self._context.options.unchecked:
            found = " and ".join(f"core {core} {share:.0%}" for core, share in zip(cores, used, strict=True))
            raise LaunchError(f"other programs use the cores ({found}): stop them, or use --unchecked")

    def _start_references(self, factory: Factory, ports: Ports, rows: int) -> list[Target]:
        gunicorn_port, management_port, *free = free_ports(7)
        others = replace(ports, http={**ports.http, "fetch": gunicorn_port}, management={"fetch": management_port})
        targets = [
            factory.service(GUNICORN_SERVICE, others, upstream_url(ports, rows), GUNICORN),
            factory.go(GO_MEMO, free[0], "memo"),
            factory.go(GO_VERIFY, free[1], "verify"),
            factory.fastapi(FASTAPI_CACHE, free[2], "cache"),
            factory.fastapi(FASTAPI_RECOMPUTE, free[3], "recompute"),
            factory.nginx(NGINX, free[4]),
        ]
        self._context.supervisor.start(*(target.process for target in targets))
        self._context.supervisor.wait_until_ready(READY_SECONDS)
        return targets

    def _check(self, targets: Sequence[Target], rows: int, issued: tokens.Tokens) -> None:
        found = checks.problems(targets, self.served[rows], issued)
        if not found:
            say(f"{rows} rows: {len(targets)} targets answer alike")
        elif self._context.options.unchecked:
            say("\n".join(["measured all the same, because of --unchecked:", *(f"  {text}" for text in found)]))
        else:
            raise LaunchError("\n  ".join(["the targets do not answer alike:", *found]))

    def _measure_rounds(self, targets: list[Target], rows: int, issued: tokens.Tokens, etags: dict[str, str]) -> None:
        pairs = [(target, scenario) for scenario in SCENARIOS for target in targets if _applies(scenario, target)]
        requests = {pair: _request(*pair, issued, etags) for pair in pairs}
        pairs = [pair for pair in pairs if self._is_supported(*pair, requests[pair])]
        load = LoadGenerators(self._context.supervisor, self._context.state.logs, self._context.cores)
        for target, scenario in pairs:
            load.warm_up(requests[target, scenario], WARM_UP_SECONDS)
        for number in range(self._context.options.rounds):
            for target, scenario in rotated(pairs, number):
                samples = self.results.setdefault(Key(rows, scenario.name, target.name), Samples())
                try:
                    self._measure_once(
                        load, requests[target, scenario], scenario, samples, self._context.options.rates[rows]
                    )
                except LaunchError as error:
                    raise LaunchError(f"{target.name}: {scenario.name}: {error}") from error
                self._context.truncate_logs()
            say(f"{rows} rows: round {number + 1} of {self._context.options.rounds}")

    def _is_supported(self, target: Target, scenario: Scenario, request: Request) -> bool:
        problem = checks.scenario_problem(target, scenario, dict(request.headers))
        if problem and not self._context.options.unchecked:
            raise LaunchError(problem)
        return problem is None

    def _measure_once(
        self, load: LoadGenerators, request: Request, scenario: Scenario, samples: Samples, rate: int
    ) -> None:
        self._context.check_time()
        samples.peaks.append(load.peak(request, self._context.options.seconds))
        # The first round decides for all, so that each has as many latencies.
        if scenario.compared and (samples.latencies or samples.peaks[0].throughput > rate * HEADROOM):
            samples.latencies.append(load.latency(request, scenario.status, rate, self._context.options.seconds))


def _applies(scenario: Scenario, target: Target) -> bool:
    return scenario.compared or target.name == SERVICE


def _request(target: Target, scenario: Scenario, issued: tokens.Tokens, etags: dict[str, str]) -> Request:
    encoding = "gzip" if scenario.gzip else "identity"
    headers = {**http.bearer(issued.valid[scenario.token]), "Accept-Encoding": encoding}
    if scenario.conditional:
        headers["If-None-Match"] = etags[encoding]
    return Request(target.url + scenario.path, headers)
