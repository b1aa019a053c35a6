"""The user database: writes on the primary, reads on the replicas, each behind a pool and a circuit breaker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging import ERROR, WARNING
from pathlib import Path
from typing import Any, TypeVar

import structlog
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from prometheus_client import Counter, Gauge
from sqlalchemy import URL, Engine, QueuePool, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from efishery_auth.database_errors import error_code, is_deadlock, is_unavailable, reconnect_on_read_only
from efishery_auth.models import Base
from efishery_auth.settings import DatabaseSettings
from servicekit.breaker import CircuitBreakerError, circuit_breaker
from servicekit.tracing import Attributes, span

POOL_SIZE = 4  # connections of a pod to each of the two; at 10 ms a commit, 400 writes a second
POOL_RECYCLE_SECONDS = 60  # so that a new replica gets its share, and an idle connection to a lost server is not used
REPLICAS, SESSIONS = "replicas", "sessions"

POOL_IN_USE = Gauge("auth_database_connections_in_use", "Connections of the pool that requests hold", ["endpoint"])
# kind: unavailable, deadlock or permanent; code: MySQL's number, 0 where there is none.
ERRORS = Counter("auth_database_errors_total", "Errors of the database", ["endpoint", "kind", "code"])

T = TypeVar("T")
Work = Callable[[Session], T]

log = structlog.get_logger(__name__)
# Attributes stay after a commit: to load them again is a query that could fail, and the new password would be lost.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


class DatabaseUnavailable(Exception):
    """The database cannot be used now. A write that raises this may have been stored nevertheless."""


@dataclass(frozen=True)
class Timeouts:
    """Longest waits, in seconds: to connect, for an answer of the server, and for a free connection of the pool."""

    connect: float
    answer: float
    pool: float


# Commits stand still for some seconds while a member joins the group, so writes wait longer than reads.
WRITE_TIMEOUTS = Timeouts(connect=1, answer=4, pool=3)
READ_TIMEOUTS = Timeouts(connect=1, answer=2, pool=1)
SESSION_TIMEOUTS = Timeouts(connect=1, answer=1, pool=1)  # a login goes on without a session when it cannot be stored
MIGRATION_TIMEOUTS = Timeouts(connect=5, answer=600, pool=5)  # it may rebuild a table


class Endpoint:
    """The primary or the replicas, through a pool of its own."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name = name
        self.engine = engine
        self._breaker = circuit_breaker(f"database-{name}", is_unavailable, failures=1, reset_seconds=0.5)
        self._attributes = _span_attributes(engine.url)
        reconnect_on_read_only(engine)
        if isinstance(engine.pool, QueuePool):
            POOL_IN_USE.labels(name).set_function(engine.pool.checkedout)

    def write(self, work: Work[T]) -> T:
        """Return what `work` returns, after its transaction is committed. Raises DatabaseUnavailable.

        Errors that another attempt would meet again, such as a missing table, are raised as SQLAlchemy has them. A
        transaction that met a deadlock, which the server has rolled back, is repeated once.
        """
        try:
            return self._write(work)
        except DBAPIError as error:
            if not is_deadlock(error):
                raise
        try:
            return self._write(work)
        except DBAPIError as error:
            if is_deadlock(error):
                raise DatabaseUnavailable from error
            raise

    def read(self, work: Work[T]) -> T:
        """Return what `work` returns, without a commit. Raises as `write` does."""
        with self._session() as session:
            return work(session)

    def _write(self, work: Work[T]) -> T:
        with self._session() as session, session.begin():
            if self.engine.dialect.name == "sqlite":
                # It has no row locks, and would lock the file only at the first change, after the rows were read.
                session.execute(text("BEGIN IMMEDIATE"))
            return work(session)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with (
                span(f"database {self.name}", self._attributes),
                self._breaker.calling(),
                Session(self.engine, expire_on_commit=False) as session,
            ):
                yield session
        except CircuitBreakerError as error:
            raise DatabaseUnavailable from error
        except SQLAlchemyError as error:
            self._report(error)
            if is_unavailable(error):
                raise DatabaseUnavailable from error
            raise

    def _report(self, error: SQLAlchemyError) -> None:
        if isinstance(error, IntegrityError):  # an answer about a value, which its text repeats
            return
        kind, level = _kind(error)
        code = error_code(error) or 0
        ERRORS.labels(self.name, kind, code).inc()
        log.log(level, "database_error", endpoint=self.name, kind=kind, code=code, error=str(error.__cause__ or error))


def _kind(error: SQLAlchemyError) -> tuple[str, int]:
    if is_unavailable(error):
        return "unavailable", WARNING
    return ("deadlock", WARNING) if is_deadlock(error) else ("permanent", ERROR)


def _span_attributes(url: URL) -> Attributes:
    """Return OpenTelemetry's attributes of a database, without user and password."""
    server: Attributes = {"server.address": url.host, "server.port": url.port or 3306} if url.host else {}
    return {"db.system.name": url.get_backend_name(), "db.namespace": url.database or "", **server}


@dataclass(frozen=True)
class Database:
    """The endpoints. Writes, and reads that must see every acknowledged write, use `primary`.

    `sessions` is the primary too, with short timeouts: a login that cannot store its session goes on without one.
    """

    primary: Endpoint
    replicas: Endpoint
    sessions: Endpoint

    def read(self, work: Work[T]) -> T:
        """Run `work` on a replica, which may lag, else on the primary. Raises DatabaseUnavailable."""
        try:
            return self.replicas.read(work)
        except DatabaseUnavailable:
            return self.primary.read(work)

    def read_newest(self, work: Work[T]) -> T:
        """Run `work` on the primary, for a short time, else on a replica. Raises DatabaseUnavailable."""
        try:
            return self.sessions.read(work)
        except DatabaseUnavailable:
            return self.replicas.read(work)


def engine_options(url: URL, timeouts: Timeouts, ca_file: Path | None = None) -> dict[str, Any]:
    """Return the options of `create_engine`: a pool without overflow, timeouts, TLS.

    With `ca_file` (PEM), the server's certificate must be signed by it and name the host; the file is read for each
    connection, so a renewed one needs no restart. Without, TLS is used where the server offers it, unverified.
    """
    options: dict[str, Any] = {"hide_parameters": True}  # errors are logged; values are phones and hashes
    if url.get_backend_name() != "mysql":
        return options
    verify = {"ssl_ca": str(ca_file), "ssl_verify_cert": True, "ssl_verify_identity": True} if ca_file else {}
    waits = {"connect_timeout": timeouts.connect, "read_timeout": timeouts.answer, "write_timeout": timeouts.answer}
    return options | {
        "pool_size": POOL_SIZE,
        "max_overflow": 0,
        "pool_timeout": timeouts.pool,
        "pool_recycle": POOL_RECYCLE_SECONDS,
        "skip_autocommit_rollback": True,
        "connect_args": waits | verify,
    }


def _isolation(url: URL) -> dict[str, str]:
    """Return the option for transactions without gap locks, as Group Replication asks for (manual, Limitations)."""
    return {"isolation_level": "READ COMMITTED"} if url.get_backend_name() == "mysql" else {}


def init_database(app: Flask, settings: DatabaseSettings) -> Database:
    """Give `app` the engines, which connect at the first use."""
    write, read, ca_file = settings.write_url, settings.read_url, settings.database_ca_file
    # A read is one statement and needs no transaction; the option saves the ROLLBACK after it.
    read_options = engine_options(read, READ_TIMEOUTS, ca_file) | {"isolation_level": "AUTOCOMMIT"}
    app.config["SQLALCHEMY_DATABASE_URI"] = write
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(write, WRITE_TIMEOUTS, ca_file) | _isolation(write)
    app.config["SQLALCHEMY_BINDS"] = {
        REPLICAS: {"url": read, **read_options},
        SESSIONS: {"url": write, **engine_options(write, SESSION_TIMEOUTS, ca_file), **_isolation(write)},
    }
    db.init_app(app)
    with app.app_context():
        replicas, sessions = (Endpoint(name, db.engines[name]) for name in (REPLICAS, SESSIONS))
        return Database(Endpoint("primary", db.engine), replicas, sessions)
