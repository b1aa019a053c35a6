"""Who may talk to whom: the one table that tests compare NetworkPolicies, mesh and documentation with.

`python -m tests.who_may_talk` writes it into docs/architecture.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs/architecture.md"
BEGIN, END = "<!-- who may talk: begin -->\n", "<!-- who may talk: end -->\n"

ROLES = ("none", "user", "admin")
# Callers that are no component of the release; they are not in its namespace.
GATEWAY, PROMETHEUS = "gateway", "prometheus"
AUTH_JOBS = ("auth-migrate", "auth-first-admin", "auth-prune", "auth-key-rotation")
# The ServiceAccounts of components, by which the mesh knows them, where they are not named after the component.
ACCOUNTS = {
    "auth-migrate": "auth",
    "auth-first-admin": "auth",
    "auth-prune": "auth",
    "mysql-backup": "mysql",
    "mysql-test": "mysql",
}


@dataclass(frozen=True)
class Request:
    """A GET request, and the least role that its token needs. None: the mesh refuses it to everyone."""

    path: str
    role: str | None = "none"


@dataclass(frozen=True)
class Port:
    """A port of a component's pods, what it serves, and who may connect to it."""

    component: str
    number: int
    serves: str
    callers: tuple[str, ...]
    # Examples for each kind of request. Without any, it is not HTTP, or nobody in the mesh may use it.
    requests: tuple[Request, ...] = ()


PORTS = (
    Port(
        "auth",
        8080,
        "the API",
        (GATEWAY, "helm-test"),
        (
            Request("/ping"),
            Request("/auth/swagdocs"),
            Request("/auth/claims", "user"),
            Request("/auth/users", "admin"),
            Request("/auth/unknown", None),
        ),
    ),
    Port(
        "auth",
        8080,
        "the public keys",
        (GATEWAY, "helm-test", "auth", "fetch"),  # the proxies of auth and fetch verify tokens with them
        (Request("/auth/.well-known/jwks.json"),),
    ),
    Port(
        "fetch",
        8080,
        "the API",
        (GATEWAY, "helm-test"),
        (
            Request("/fetch/swagdocs"),
            Request("/fetch/rate", "user"),
            Request("/fetch/resource/aggregate", "admin"),
            Request("/fetch/unknown", None),
        ),
    ),
    Port("docs", 8080, "Swagger UI", (GATEWAY,), (Request("/docs/"),)),
    Port("sample", 8080, "a generated list and rate", ("fetch", "rate-cron"), (Request("/rate"),)),
    *(
        Port(component, 9090, "`/healthz`, `/readyz`, `/metrics`", (PROMETHEUS,), (Request("/metrics", None),))
        for component in ("auth", "fetch", "docs", "sample")
    ),
    Port("redis", 6379, "Redis", ("auth", "fetch", "rate-cron")),
    Port("mysql", 3306, "MySQL, also among the members", ("auth", *AUTH_JOBS, "mysql", "mysql-backup", "mysql-test")),
    Port(
        "mysql",
        9091,
        "the agent's `/status`; `/healthz`, `/readyz`, `/metrics`",
        ("mysql", PROMETHEUS),
        (Request("/status"), Request("/metrics", None)),
    ),
)
# Of every pod in the mesh: Istio's agent, which no policy of the mesh covers.
AGENT_PORT = 15020
AGENT_CALLERS = (PROMETHEUS,)

# What is not in the release, and who connects to it.
OUTSIDE = {
    "the Kubernetes API": (
        *("auth-key-rotation", "create-secrets"),
        *("mysql", "mysql-certificate-renewal", "mysql-create-lease", "mysql-create-secrets"),
    ),
    "the price list": ("fetch",),
    "the rate providers": ("rate-cron",),
    "the trace collector": ("auth", "fetch"),
    "a MySQL of your own": ("auth", *AUTH_JOBS),
    "a Redis of your own": ("auth", "fetch", "rate-cron"),
}
OF_EVERY_POD = "DNS, and istiod in a mesh"


def account(component: str) -> str:
    """Return the ServiceAccount of a component."""
    return ACCOUNTS.get(component, component)


def connects(caller: str, component: str, port: int) -> bool:
    """Return whether the network lets a caller connect to a port of a component."""
    if port == AGENT_PORT:
        return caller in AGENT_CALLERS
    return any(caller in each.callers for each in PORTS if (each.component, each.number) == (component, port))


def mesh_allows(caller: str, port: Port, request: Request | None = None, role: str = "none") -> bool:
    """Return whether the mesh lets the gateway or a ServiceAccount talk to a port, with a token of that role."""
    known = caller in {account(each) for each in port.callers} - {PROMETHEUS}  # which has no proxy
    if request is None:
        return known
    return known and request.role is not None and ROLES.index(role) >= ROLES.index(request.role)


def tables() -> str:
    """Return both tables in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from ("| Of | Port | Serves | Reached by |", "|---|---|---|---|")
    for port in PORTS:
        yield f"| {port.component} | {port.number} | {port.serves} | {', '.join(port.callers)} |"
    yield f"| every pod | {AGENT_PORT} | in a mesh: metrics, of Istio's agent | {', '.join(AGENT_CALLERS)} |"
    yield from ("", "| To | From |", "|---|---|")
    yield f"| {OF_EVERY_POD} | every pod |"
    for destination, callers in OUTSIDE.items():
        yield f"| {destination} | {', '.join(callers)} |"


def write() -> None:
    """Write the tables between the two marks."""
    marked = re.compile(f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})", re.DOTALL)
    DOCUMENT.write_text(marked.sub(lambda _: tables(), DOCUMENT.read_text()))


if __name__ == "__main__":
    write()
