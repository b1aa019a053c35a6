"""What is particular to MySQL: how long it is waited for, how it is trusted, and which errors mean that it is away."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from efishery_auth.driver import PatientConnection, Pulse

# A connection that cannot be made, is refused, reset or does not answer in time; or a server that does not serve now.
LOST = (OperationalError, InterfaceError, PoolTimeout)

# Answers of a server that lives but is not, or no longer, the one to ask (MySQL Error Reference, chapter 2):
# 1053 shutdown in progress, 1290 read-only option, 1792 read-only transaction, 1836 read-only mode,
# 3032 offline mode, 3100 the replication plugin refused the commit.
DEMOTED = frozenset({1053, 1290, 1792, 1836, 3032, 3100})

POOL_SIZE = 4
PRIVATE = {"hide_parameters": True}  # errors are logged, and a statement's values are phones and hashes


@dataclass(frozen=True)
class Patience:
    """Longest waits in seconds: to connect; for an answer to a check or a login; for all that a transaction does;
    and for that as long as the primary lives, see `efishery_auth.driver`.
    """

    connect: float
    answer: float
    work: float
    stall: float


# A check of the pooled connection, then a new one: both may wait, and 2 s are all that a request has where the
# server is away. A primary that lives is slow: its commits wait for the group, for seconds while a member joins.
# With what a last attempt takes, all that stays below the 12 s of the gateway.
FOR_REQUESTS = Patience(connect=0.75, answer=0.75, work=1.8, stall=9)
# A migration may rebuild a table.
FOR_COMMANDS = Patience(connect=5, answer=600, work=600, stall=600)


def engine_options(url: URL, ca_file: Path | None = None, patience: Patience = FOR_REQUESTS) -> dict[str, Any]:
    """Options for `create_engine`: bounded waits, connections that are checked before use, and TLS.

    With `ca_file` (PEM), the server's certificate must be signed by it and name the host. The file is read again
    for each connection, so a new one needs no restart. Without, TLS is used where the server offers it, unverified.
    """
    if url.get_backend_name() != "mysql":
        return PRIVATE
    waits = {"connect_timeout": patience.connect, "read_timeout": patience.answer, "write_timeout": patience.answer}
    trust = {"ssl_ca": str(ca_file), "ssl_verify_cert": True, "ssl_verify_identity": True} if ca_file else {}
    return PRIVATE | {
        "pool_pre_ping": True,
        "pool_size": POOL_SIZE,
        "max_overflow": 0,
        "pool_timeout": 0.4,
        "pool_recycle": 60,  # so that a new replica gets its share within a minute
        "connect_args": waits | trust,
    }


def pulse_of(url: URL, ca_file: Path | None = None) -> Pulse:
    """Answer what tells whether the primary at this MySQL URL lives: by one connection more, which is kept."""
    _, address = url.get_dialect()().create_connect_args(url)
    waits_and_trust = engine_options(url, ca_file)["connect_args"]
    return Pulse(lambda: pymysql.connect(**address, **waits_and_trust, autocommit=True))


def bound_work(connection: Connection, deadline: float, limit: float) -> None:
    """Let answers to this connection's transaction take until then (monotonic seconds); see PatientConnection."""
    raw: Any = connection.connection.dbapi_connection
    if isinstance(raw, PatientConnection):
        raw.deadline, raw.limit = deadline, limit
        if raw.pulse and limit > deadline:
            raw.pulse.look()  # what it finds is what a wait goes by


def leave_demoted_servers(engine: Engine) -> None:
    """Make `engine` drop all its connections when a server answers that it is not the one to ask.

    A connection stays with the server that it was made to, whatever the Service selects since.
    """
    event.listen(engine, "handle_error", _drop_connections_of_demoted)


def _drop_connections_of_demoted(context: ExceptionContext) -> None:
    if error_code(context.original_exception) in DEMOTED:
        context.is_disconnect = True


def error_code(error: BaseException | None) -> int | None:
    """Answer MySQL's number of a driver's error, or None where it has none."""
    code = error.args[0] if error and error.args else None
    return code if isinstance(code, int) else None
