"""Writes go to the primary; reads to the replicas, and to the primary where those are away."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import structlog
from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from efishery_auth.driver import Pulse, use_patient_connections
from efishery_auth.gate import NO_PATIENCE, Away, Clock, Gate, Queue
from efishery_auth.models import Base
from efishery_auth.mysql import (
    FOR_REQUESTS,
    LOST,
    POOL_SIZE,
    Patience,
    bound_work,
    engine_options,
    error_code,
    leave_demoted_servers,
    pulse_of,
)
from efishery_auth.settings import DatabaseSettings

REPLICAS = "replicas"
EXTENSION = "efishery-database"
# Begun this late, a second attempt still ends within 2 s of the first one's begin (see efishery_auth.mysql).
RETRY_WITHIN_SECONDS = 0.4
STUCK_SECONDS = 0.4
# A read has nobody else to ask: it is tried once more, begun this late, and waits this long for its turn.
INSIST_SECONDS = 2.0
# A read is one statement, which needs no transaction around it.
EACH_READ_ALONE = {"isolation_level": "AUTOCOMMIT"}

T = TypeVar("T")
Work = Callable[[Session], T]

log = structlog.get_logger(__name__)
# What was committed is known: a read after it could fail, and the client would never see its password.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


class Endpoint:
    """What one Service selects: the primary, or the replicas."""

    def __init__(
        self,
        name: str,
        engine: Engine,
        patience: Patience = FOR_REQUESTS,
        clock: Clock = time.monotonic,
        queue: Queue = NO_PATIENCE,
    ) -> None:
        self.name = name
        self.engine = engine
        self._patience = patience
        self._clock = clock
        self._gate = Gate(POOL_SIZE, STUCK_SECONDS, clock, queue)

    def run(self, work: Work[T], *, insist: float = 0, patient: bool = False) -> T:
        """Answer what `work` does in a transaction of its own, committed.

        Raises Away, within 2 s; who is patient waits on for a primary that lives, see `Gate` and `driver`.

        `work` may be done twice, the second time after the first was committed: the answer to a commit can be lost
        with the connection.
        """
        came = self._clock()
        try:
            with self._gate.passing(LOST, insist=insist, patient=patient) as entered:
                # Who had to wait for longer took the place of somebody: the server lived, and its 2 s begin there.
                began = came if entered - came <= STUCK_SECONDS else entered
                return self._attempt_twice(work, began, came + self._patience.stall if patient else 0)
        except LOST as error:
            self._log("database_away", error)
            raise Away from error

    def _attempt_twice(self, work: Work[T], began: float, limit: float) -> T:
        try:
            return self._attempt(work, began, limit)
        except LOST as error:
            if self._clock() - began > RETRY_WITHIN_SECONDS:
                raise
            self._log("database_retry", error)
        return self._attempt(work, began, limit)

    def _attempt(self, work: Work[T], began: float, limit: float) -> T:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            bound_work(session.connection(), began + self._patience.work, limit)
            return work(session)

    def _log(self, event: str, error: Exception) -> None:
        # Not the error's text, which holds the statement's values.
        original = getattr(error, "orig", None)
        log.warning(event, endpoint=self.name, error=type(original or error).__name__, code=error_code(original))


class Database:
    """All that the service does with its tables."""

    def __init__(self, primary: Endpoint, replicas: Endpoint) -> None:
        self.primary = primary
        self.replicas = replicas

    def write(self, work: Work[T]) -> T:
        """Answer what `work` does on the primary; it may be done twice, see `Endpoint.run`. Raises Away."""
        return self.primary.run(work, patient=True)

    def read(self, work: Work[T]) -> T:
        """Answer what `work` finds on a replica, which may lag a moment. Raises Away when the primary is away too."""
        began = time.monotonic()
        for run in (self.replicas.run, self.primary.run):
            with suppress(Away):
                return run(work)
        if time.monotonic() - began > INSIST_SECONDS:
            raise Away
        # A replica that failed a moment ago may answer now, as may one that this pod was too busy to hear.
        return self.replicas.run(work, insist=INSIST_SECONDS)

    def read_newest(self, work: Work[T], *, patient: bool = True) -> T:
        """Answer what `work` finds on the primary, everything acknowledged included. Raises Away."""
        return self.primary.run(work, patient=patient)


def init_database(app: Flask, settings: DatabaseSettings, patience: Patience = FOR_REQUESTS, threads: int = 1) -> None:
    """Give `app`, with its `threads`, two engines, which connect at the first use, and what `database()` answers."""
    ca_file = settings.database_ca_file
    read_options = engine_options(settings.read_url, ca_file, patience) | EACH_READ_ALONE
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.write_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings.write_url, ca_file, patience)
    app.config["SQLALCHEMY_BINDS"] = {REPLICAS: {"url": settings.read_url, **read_options}}
    db.init_app(app)
    with app.app_context():
        primary, replicas = db.engine, db.engines[REPLICAS]
    pulse = pulse_of(settings.write_url, ca_file) if primary.dialect.name == "mysql" else None
    queue = _queue(places_in_queue(threads), patience, pulse) if pulse else NO_PATIENCE
    for engine, its_pulse in ((primary, pulse), (replicas, None)):
        leave_demoted_servers(engine)
        if engine.dialect.name == "mysql":
            use_patient_connections(engine, its_pulse)
    app.extensions[EXTENSION] = Database(
        Endpoint("primary", primary, patience, queue=queue), Endpoint(REPLICAS, replicas, patience)
    )


def _queue(places: int, patience: Patience, pulse: Pulse) -> Queue:
    # Who waits in it gives up on a server that shows no life when those who are inside do.
    return Queue(places, patience.stall, patience.work - STUCK_SECONDS, pulse.beats)


def places_in_queue(threads: int) -> int:
    """Answer how many may wait for the primary: with those inside, half of the threads, or 8 where there are few."""
    return max(threads // 2, 2 * POOL_SIZE) - POOL_SIZE


def database() -> Database:
    """Answer the current application's database."""
    found: Database = current_app.extensions[EXTENSION]
    return found
