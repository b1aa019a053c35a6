import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pymysql
import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from efishery_auth import create_app
from efishery_auth.database import AT_ONCE_SECONDS, DatabaseUnavailable, Endpoint
from efishery_auth.database_errors import CONNECTION_ERRORS, READ_ONLY_ERRORS, error_code
from efishery_auth.engines import (
    MIGRATION_TIMEOUTS,
    READ_TIMEOUTS,
    SESSION_TIMEOUTS,
    WRITE_TIMEOUTS,
    Timeouts,
    engine_options,
)
from efishery_auth.models import Base
from efishery_auth.settings import AuthSettings
from efishery_auth.state import EXTENSION
from tests.unit.auth.servers import fail_statements, lose_commit, mysql_error, resetting_server, silent_server

ROOT = Path(__file__).parents[3]
URL = make_url("mysql+pymysql://efishery@mysql-primary/efishery")
SITI = {"name": "Siti", "phone": "08123456789"}
# Errors that the same request would meet again: access denied, unknown database, unknown column, no privilege.
PERMANENT = [1045, 1049, 1054, 1142]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = create_engine(
        f"sqlite:///{tmp_path}/endpoint.db",
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.2,
        connect_args={"check_same_thread": False},
    )
    Base.metadata.create_all(made)
    return made


@pytest.fixture
def endpoint(engine: Engine) -> Endpoint:
    return Endpoint("primary", engine)


def mysql_at(port: int) -> Endpoint:
    url = make_url(f"mysql+pymysql://nobody@127.0.0.1:{port}/none")
    return Endpoint("primary", create_engine(url, **engine_options(url, Timeouts(connect=0.5, answer=0.5, pool=0.5))))


def select_one(session: Session) -> object:
    return session.execute(text("SELECT 1")).scalar()


def answers(endpoint: Endpoint) -> bool:
    try:
        return endpoint.write(select_one) == 1
    except DatabaseUnavailable:
        return False


def metric(metric_name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric_name, labels) or 0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.timeout(30)
def test_a_silent_server_is_waited_for_once() -> None:
    with silent_server() as (port, accepted):
        endpoint = mysql_at(port)
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                endpoint.write(select_one)
        assert len(accepted) == 1, "the open circuit makes no connection"


@pytest.mark.timeout(30)
def test_refused_and_reset_connections_are_unavailable() -> None:
    with resetting_server() as port, pytest.raises(DatabaseUnavailable):
        mysql_at(port).write(select_one)
    with pytest.raises(DatabaseUnavailable):
        mysql_at(1).write(select_one)


@pytest.mark.parametrize("code", sorted(CONNECTION_ERRORS | READ_ONLY_ERRORS))
def test_errors_of_connection_and_role_are_unavailable(endpoint: Endpoint, code: int) -> None:
    fail_statements(endpoint.engine, code)
    with pytest.raises(DatabaseUnavailable):
        endpoint.write(select_one)
    assert metric("circuit_breaker_state", name="database-primary", state="open") == 1


@pytest.mark.parametrize("code", PERMANENT)
def test_other_errors_are_raised_counted_and_leave_the_circuit_closed(endpoint: Endpoint, code: int) -> None:
    before = metric("auth_database_errors_total", endpoint="primary", kind="permanent", code=str(code))
    fail_statements(endpoint.engine, code)
    with pytest.raises(OperationalError):
        endpoint.write(select_one)
    assert metric("auth_database_errors_total", endpoint="primary", kind="permanent", code=str(code)) == before + 1
    assert metric("circuit_breaker_state", name="database-primary", state="closed") == 1


@pytest.mark.parametrize("code", PERMANENT)
def test_other_errors_are_a_500_that_the_log_names(
    app: Flask, settings: AuthSettings, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    broken = create_app(settings)  # it logs to the stdout of the time it is made
    fail_statements(broken.extensions[EXTENSION].database.primary.engine, code)
    response = broken.test_client().post("/auth/register", json=SITI)
    assert response.status_code == response.get_json()["status"] == 500
    assert str(code) not in response.get_data(as_text=True)
    written = capsys.readouterr().out
    assert f"MySQL's error {code}" in written
    assert "database_error" in written


def test_a_circuit_that_is_open_is_tried_again(endpoint: Endpoint) -> None:
    recover = fail_statements(endpoint.engine, 2013)
    with pytest.raises(DatabaseUnavailable):
        endpoint.write(select_one)
    recover()
    assert not answers(endpoint)
    wait_until(lambda: answers(endpoint))


def test_the_pool_bounds_who_waits_for_a_slow_server(endpoint: Endpoint) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        select_one(session)
        entered.set()
        leave.wait(10)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(endpoint.write, slow)
        assert entered.wait(10)
        assert metric("auth_database_connections_in_use", endpoint="primary") == 1
        with pytest.raises(DatabaseUnavailable):
            endpoint.write(select_one)
        leave.set()
        running.result()
    assert metric("auth_database_connections_in_use", endpoint="primary") == 0


def test_a_lost_commit_is_not_repeated(endpoint: Endpoint) -> None:
    tries = []

    def work(session: Session) -> None:
        tries.append(select_one(session))

    lose_commit(endpoint.engine, stored=False)
    with pytest.raises(DatabaseUnavailable):
        endpoint.write(work)
    assert tries == [1]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("method", ["read", "write"])
def test_connections_that_ended_in_the_pool_are_replaced(endpoint: Endpoint, method: str) -> None:
    """As when Envoy closes the connections of a listener that it has replaced."""
    before = metric("auth_database_errors_total", endpoint="primary", kind="unavailable", code="2013")
    fail_statements(endpoint.engine, 2013, times=1)
    assert getattr(endpoint, method)(select_one) == 1
    assert metric("auth_database_errors_total", endpoint="primary", kind="unavailable", code="2013") == before + 1
    assert metric("circuit_breaker_state", name="database-primary", state="closed") == 1


@pytest.mark.timeout(30)
def test_a_connection_that_was_lost_after_a_wait_is_not_replaced(endpoint: Endpoint) -> None:
    tries = []

    def work(session: Session) -> object:
        tries.append(session)
        time.sleep(AT_ONCE_SECONDS)
        return select_one(session)

    fail_statements(endpoint.engine, 2013, times=1)
    with pytest.raises(DatabaseUnavailable):
        endpoint.read(work)
    assert len(tries) == 1


@pytest.mark.parametrize(("code", "reconnects"), [(1290, True), (3098, True), (1054, False)])
def test_connections_to_a_server_that_became_read_only_are_closed(
    endpoint: Endpoint, code: int, reconnects: bool
) -> None:
    connections: list[object] = []
    event.listen(endpoint.engine, "connect", lambda connection, _: connections.append(connection))
    recover = fail_statements(endpoint.engine, code)
    with pytest.raises((DatabaseUnavailable, OperationalError)):
        endpoint.write(select_one)
    recover()
    wait_until(lambda: answers(endpoint))
    assert bool(connections) == reconnects


@pytest.mark.parametrize("stored", [True, False])
def test_logs_hold_no_values(
    app: Flask, settings: AuthSettings, capsys: pytest.CaptureFixture[str], stored: bool
) -> None:
    again = create_app(settings)
    if stored:
        assert again.test_client().post("/auth/register", json=SITI).status_code == 201
    else:
        lose_commit(again.extensions[EXTENSION].database.primary.engine, stored=False)
    assert again.test_client().post("/auth/register", json=SITI).status_code == (409 if stored else 503)
    written = capsys.readouterr().out
    assert "request" in written
    assert "+628123456789" not in written
    assert "argon2" not in written


def test_only_a_duplicate_key_is_a_taken_phone(
    app: Flask, settings: AuthSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = IntegrityError("INSERT", None, pymysql.IntegrityError(1048, "Column 'name' cannot be null"))

    def refuse(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(Endpoint, "write", refuse)
    assert app.test_client().post("/auth/register", json=SITI).status_code == 500


@pytest.mark.parametrize("timeouts", [WRITE_TIMEOUTS, READ_TIMEOUTS, SESSION_TIMEOUTS, MIGRATION_TIMEOUTS])
def test_sqlalchemy_and_the_driver_take_every_timeout(timeouts: Timeouts) -> None:
    options = engine_options(URL, timeouts)
    arguments = options["connect_args"]
    assert options["pool_timeout"] == timeouts.pool
    assert arguments["connect_timeout"] == timeouts.connect
    assert arguments["read_timeout"] == arguments["write_timeout"] == timeouts.answer
    create_engine(URL, **options)
    pymysql.Connection(host="127.0.0.1", defer_connect=True, **arguments)


def test_a_request_ends_before_the_gateway_does() -> None:
    gateway = yaml.safe_load((ROOT / "k8s/istio/base/virtualservice.yaml").read_text())
    (auth,) = (route for route in gateway["spec"]["http"] if route["name"] == "auth")
    limit = int(auth["retries"]["perTryTimeout"].removesuffix("s"))
    # Of a silent server a request waits for one answer: to its statement, or to the greeting of a new connection.
    write = WRITE_TIMEOUTS.pool + WRITE_TIMEOUTS.connect + WRITE_TIMEOUTS.answer
    read = READ_TIMEOUTS.pool + READ_TIMEOUTS.connect + READ_TIMEOUTS.answer
    assert read + write <= limit, "a login asks the replicas in vain, then the primary"
    session = SESSION_TIMEOUTS.pool + SESSION_TIMEOUTS.connect + SESSION_TIMEOUTS.answer
    assert session <= 3, "a stalled primary holds the thread of a login no longer"


def test_with_a_ca_the_server_must_prove_its_name(tmp_path: Path) -> None:
    arguments = engine_options(URL, WRITE_TIMEOUTS, tmp_path / "ca.crt")["connect_args"]
    assert arguments["ssl_ca"] == str(tmp_path / "ca.crt")
    assert arguments["ssl_verify_cert"] is arguments["ssl_verify_identity"] is True
    assert "ssl_ca" not in engine_options(URL, WRITE_TIMEOUTS)["connect_args"]


def test_error_code() -> None:
    assert error_code(mysql_error(2013)) == 2013
    assert error_code(pymysql.OperationalError(2013, "Lost connection")) == 2013
    assert error_code(ValueError("no number")) is None
    assert error_code(DBAPIError("SELECT 1", None, ValueError())) is None


def test_without_a_database_the_keys_are_still_there(settings: AuthSettings) -> None:
    app = create_app(settings.model_copy(update={"database_url": "mysql+pymysql://nobody@127.0.0.1:1/none"}))
    client: FlaskClient = app.test_client()
    assert client.get("/auth/.well-known/jwks.json").status_code == 200
