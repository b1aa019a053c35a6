"""The user database: writes on the primary, reads on the replicas, each behind a pool and a circuit breaker."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging import ERROR, WARNING
from typing import TypeVar

import structlog
from flask import Flask
from prometheus_client import Counter, Gauge
from sqlalchemy import URL, Engine, QueuePool, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from efishery_auth.database_errors import (
    error_code,
    is_deadlock,
    is_lost_before_commit,
    is_unavailable,
    reconnect_on_read_only,
)
from efishery_auth.engines import REPLICAS, SESSIONS, db, init_engines
from efishery_auth.settings import DatabaseSettings
from servicekit.breaker import CircuitBreakerError, circuit_breaker
from servicekit.tracing import Attributes, span

POOL_IN_USE = Gauge("auth_database_connections_in_use", "Connections of the pool that requests hold", ["endpoint"])
# kind: unavailable, deadlock or permanent; code: MySQL's number, 0 where there is none.
ERRORS = Counter("auth_database_errors_total", "Errors of the database", ["endpoint", "kind", "code"])

AT_ONCE_SECONDS = 0.5  # less than every timeout: who has waited for a silent server does not wait again

T = TypeVar("T")
Work = Callable[[Session], T]

log = structlog.get_logger(__name__)


class DatabaseUnavailable(Exception):
    """The database cannot be used now. A write that raises this may have been stored nevertheless."""


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
        transaction that changed nothing, because it met a deadlock or a connection that had ended, is repeated once.
        """
        return self._run(self._write, work)

    def read(self, work: Work[T]) -> T:
        """Return what `work` returns, without a commit. Raises and repeats as `write` does."""
        return self._run(self._read, work)

    def _run(self, attempt: Callable[[Work[T]], T], work: Work[T]) -> T:
        with self._guarded():
            began = time.monotonic()
            try:
                return attempt(work)
            except DBAPIError as error:
                # A proxy that gets another configuration ends all connections of the pool at once: no failed server.
                lost_at_once = is_lost_before_commit(error) and time.monotonic() - began < AT_ONCE_SECONDS
                if not (lost_at_once or is_deadlock(error)):
                    raise
                self._report(error)
            return attempt(work)

    def _write(self, work: Work[T]) -> T:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            if self.engine.dialect.name == "sqlite":
                # It has no row locks, and would lock the file only at the first change, after the rows were read.
                session.execute(text("BEGIN IMMEDIATE"))
            return work(session)

    def _read(self, work: Work[T]) -> T:
        with Session(self.engine, expire_on_commit=False) as session:
            return work(session)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with span(f"database {self.name}", self._attributes), self._breaker.calling():
                yield
        except CircuitBreakerError as error:
            raise DatabaseUnavailable from error
        except SQLAlchemyError as error:
            self._report(error)
            if is_unavailable(error) or is_deadlock(error):
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


def init_database(app: Flask, settings: DatabaseSettings) -> Database:
    """Give `app` the engines, and return the endpoints that use them."""
    init_engines(app, settings)
    with app.app_context():
        replicas, sessions = (Endpoint(name, db.engines[name]) for name in (REPLICAS, SESSIONS))
        return Database(Endpoint("primary", db.engine), replicas, sessions)
