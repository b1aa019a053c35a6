"""Logins: auth beside a loop that only verifies a password, and the latency of the list during a flood of logins.

auth and fetch share the server's core; MySQL, Redis, the upstream and the load generators run on the other.
"""

import json
import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from bench import accounts, http, machine
from bench.accounts import Account
from bench.context import READY_SECONDS, Context, choose_ports, say
from bench.load import LoadGenerators, Logins, Peak, Request, parse_statuses
from bench.mysql import MySQL
from bench.results import LOGIN_ROWS, Key, Samples
from bench.scenarios import FLOOD_ACCEPTED, FLOOD_REFUSED, LIST, NO_FLOOD, UNDER_FLOOD, Password
from bench.statistics import rotated
from bench.targets import ARGON2ID, SERVICE, Factory
from efishery_run.errors import LaunchError
from efishery_run.ports import HOST, Ports, free_ports
from efishery_run.services import Services

USERS: Final = 100  # with each kind of password: a user has few sessions, as usual
WORKERS: Final = 1  # threads that hash, on one core
CONNECTIONS: Final = 4  # while some wait for MySQL another is hashed; more only make the first answers later
FLOOD_CONNECTIONS: Final = 128  # Envoy's limit for a service; half of them fill the queue
LIST_RATE: Final = 1000  # requests a second
WARM_UP_SECONDS: Final = 1.0
BEFORE_SECONDS: Final = 2.0  # of the flood, in which the queue fills
AFTER_SECONDS: Final = 3.0  # of the flood, for the end of vegeta and its report
DRAIN_SECONDS: Final = 30.0
SETTINGS: Final = {
    "AUTH_HASH_WORKERS": str(WORKERS),
    "AUTH_ACCESS_TOKEN_SECONDS": str(3 * 3600),  # longer than a run takes
    "HTTP_THREADS": "128",  # auth.threads in charts/efishery/values.yaml
}
SESSIONLESS: Final = "login_without_session"  # in auth's log, where MySQL was late

_HASHES = re.compile(r"^auth_password_hash_requests ([0-9.]+)$", re.MULTILINE)
_VERIFICATIONS = re.compile(r"^Verifications/sec: ([0-9.]+)$", re.MULTILINE)


@dataclass(frozen=True)
class LoginBenchmark:
    """The running services, the users, and the results."""

    context: Context
    factory: Factory
    mysql: MySQL
    load: LoadGenerators
    ports: Ports
    list_request: Request
    users: dict[Password, list[Account]]
    results: dict[Key, Samples] = field(default_factory=lambda: defaultdict(Samples))

    def measure_rounds(self) -> None:
        """Measure everything in each round; the two sides of a ratio follow each other, the first by turns."""
        pairs: list[tuple[Callable[[], None], ...]] = [
            *((partial(self._log_in, password), partial(self._verify, password)) for password in Password),
            (partial(self._request_list, NO_FLOOD), self._flood),
        ]
        for password in Password:
            self.load.logins(self._logins(password, CONNECTIONS), WARM_UP_SECONDS)
        for number in range(self.context.options.rounds):
            for measure in (measure for pair in rotated(pairs, number) for measure in rotated(pair, number)):
                self.context.check_time()
                self._wait_until_idle()
                self.context.truncate_logs()
                measure()
            say(f"logins: round {number + 1} of {self.context.options.rounds}")

    def _log_in(self, password: Password) -> None:
        peak = self.load.logins(self._logins(password, CONNECTIONS), self.context.options.seconds)
        if SESSIONLESS in (self.context.state.logs / "auth.log").read_text():
            raise LaunchError(f"{password.scenario}: MySQL was too late to store a session")
        self.results[Key(None, password.scenario, SERVICE)].peaks.append(peak)

    def _verify(self, password: Password) -> None:
        account, seconds = self.users[password][0], self.context.options.seconds
        settings = {
            "REFERENCE_HASH": self.mysql.password_hash(account.phone),
            "REFERENCE_PASSWORD": account.password,
            "REFERENCE_SECONDS": f"{seconds:g}",
            "REFERENCE_THREADS": str(WORKERS),
        }
        loop = self.factory.argon2id(settings)
        printed, server, load = machine.busy_during(self.context.cores, lambda: self.load.run(loop, seconds))
        peak = Peak(parse_verifications(printed), server, load)
        self.results[Key(None, password.scenario, ARGON2ID)].peaks.append(peak)

    def _request_list(self, scenario: str) -> None:
        seconds = self.context.options.seconds
        latency, server, load = machine.busy_during(
            self.context.cores, lambda: self.load.latency(self.list_request, 200, LIST_RATE, seconds)
        )
        samples = self.results[Key(LOGIN_ROWS, scenario, SERVICE)]
        samples.latencies.append(latency)
        samples.peaks.append(Peak(latency.rate, server, load))

    def _flood(self) -> None:
        seconds = BEFORE_SECONDS + self.context.options.seconds + AFTER_SECONDS
        flood = self._logins(Password.CHOSEN, FLOOD_CONNECTIONS).wrk("flood", seconds)
        self.load.start(flood)
        time.sleep(BEFORE_SECONDS)
        self._request_list(UNDER_FLOOD)
        answers = parse_statuses(self.load.finish(flood, AFTER_SECONDS))
        if set(answers) != {200, 503}:
            raise LaunchError(f"expected the flood of logins to be answered 200 and 503: {answers}")
        for scenario, status in ((FLOOD_ACCEPTED, 200), (FLOOD_REFUSED, 503)):
            self.results[Key(None, scenario, SERVICE)].peaks.append(Peak(answers[status] / seconds, 0, 0))

    def _logins(self, password: Password, connections: int) -> Logins:
        bodies = self.context.state.root / f"{password.name.lower()}.logins"
        bodies.write_text("".join(f"{json.dumps(account.body)}\n" for account in self.users[password]))
        return Logins(f"{_auth_url(self.ports)}/auth/login", bodies, connections)

    def _wait_until_idle(self) -> None:
        """Wait for the password hashes that auth has yet to compute for clients that have gone."""
        deadline = time.monotonic() + DRAIN_SECONDS
        url = f"http://{HOST}:{self.ports.management['auth']}/metrics"
        while unfinished_hashes(http.get(url).body.decode()) > 0:
            if time.monotonic() > deadline:
                raise LaunchError(f"auth was not idle within {DRAIN_SECONDS:g} s")
            time.sleep(0.2)


def measure(context: Context) -> dict[Key, Samples]:
    """Start auth with MySQL and fetch with Redis, and measure; raises LaunchError and Interrupted."""
    say("logins: starting")
    ports = choose_ports()
    services = Services(ports, context.state)
    mysql = MySQL(context.state.root / "mysql", *free_ports(1))
    factory = Factory(context.state, context.cores, context.state.root / "content-logins")
    context.supervisor.run(mysql.initialize(), READY_SECONDS)
    context.supervisor.start(mysql.server())
    fetch = context.start_service(services, factory, LOGIN_ROWS)
    settings = {**SETTINGS, "AUTH_DATABASE_URL": mysql.url}
    migrate = services.migrate()
    context.supervisor.run(replace(migrate, environment={**migrate.environment, **settings}), READY_SECONDS)
    context.supervisor.start(factory.auth(ports, settings))
    context.supervisor.wait_until_ready(READY_SECONDS)
    load = LoadGenerators(context.supervisor, context.state.logs, context.cores)
    users = _register(_auth_url(ports))
    token = accounts.log_in(_auth_url(ports), users[Password.GENERATED][0])
    list_request = Request(fetch.url + LIST, {**http.bearer(token), "Accept-Encoding": "gzip"})
    benchmark = LoginBenchmark(context, factory, mysql, load, ports, list_request, users)
    benchmark.measure_rounds()
    return dict(benchmark.results)


def parse_verifications(printed: str) -> float:
    """Return the verifications a second that the loop reports; raises LaunchError without any."""
    rate = _VERIFICATIONS.search(printed)
    if rate is None or float(rate[1]) == 0:
        raise LaunchError(f"the loop reports no verification:\n{printed}")
    return float(rate[1])


def unfinished_hashes(metrics: str) -> float:
    """Return how many requests wait for a password hash, from auth's metrics; raises LaunchError without it."""
    waiting = _HASHES.search(metrics)
    if waiting is None:
        raise LaunchError("auth has no metric auth_password_hash_requests")
    return float(waiting[1])


def _register(url: str) -> dict[Password, list[Account]]:
    generated = [accounts.register(url) for _ in range(2 * USERS)]
    chosen = [accounts.choose_password(url, account) for account in generated[USERS:]]
    return {Password.CHOSEN: chosen, Password.GENERATED: generated[:USERS]}


def _auth_url(ports: Ports) -> str:
    return f"http://{HOST}:{ports.http['auth']}"
