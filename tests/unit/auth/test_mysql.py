from pathlib import Path
from typing import Any, cast

import pymysql
import pytest
import yaml
from sqlalchemy import create_engine, make_url
from sqlalchemy.engine import ExceptionContext

from efishery_auth.database import RETRY_WITHIN_SECONDS, STUCK_SECONDS
from efishery_auth.driver import AWAY_SECONDS, BETWEEN_LOOKS_SECONDS
from efishery_auth.mysql import (
    DEMOTED,
    FOR_COMMANDS,
    FOR_REQUESTS,
    Patience,
    _drop_connections_of_demoted,
    engine_options,
    error_code,
)

ROOT = Path(__file__).parents[3]
URL = make_url("mysql+pymysql://efishery@mysql-primary/efishery")


@pytest.mark.parametrize("patience", [FOR_REQUESTS, FOR_COMMANDS])
def test_every_wait_is_bounded(patience: Patience) -> None:
    arguments = engine_options(URL, patience=patience)["connect_args"]
    assert arguments["connect_timeout"] == patience.connect
    assert arguments["read_timeout"] == arguments["write_timeout"] == patience.answer


def test_the_waits_of_a_request_take_less_than_two_seconds() -> None:
    check_and_connect = FOR_REQUESTS.answer + max(FOR_REQUESTS.connect, FOR_REQUESTS.answer)
    assert STUCK_SECONDS + check_and_connect < 2
    assert RETRY_WITHIN_SECONDS + check_and_connect < 2
    assert FOR_REQUESTS.work < 2
    assert AWAY_SECONDS + BETWEEN_LOOKS_SECONDS < 2
    assert STUCK_SECONDS + BETWEEN_LOOKS_SECONDS < AWAY_SECONDS, "who is stuck has been looked after"


def test_who_is_patient_is_answered_before_the_gateway_gives_up() -> None:
    gateway = yaml.safe_load((ROOT / "k8s/istio/virtualservice.yaml").read_text())
    (auth,) = (route for route in gateway["spec"]["http"] if route["name"] == "auth")
    assert FOR_REQUESTS.stall + FOR_REQUESTS.work < int(auth["retries"]["perTryTimeout"].removesuffix("s"))


def test_sqlalchemy_and_the_driver_take_the_options() -> None:
    engine = create_engine(URL, **engine_options(URL))
    assert engine.pool._pre_ping is True
    pymysql.Connection(host="127.0.0.1", defer_connect=True, **engine_options(URL)["connect_args"])


def test_with_a_ca_the_server_must_prove_its_name(tmp_path: Path) -> None:
    arguments = engine_options(URL, tmp_path / "ca.crt")["connect_args"]
    assert arguments["ssl_ca"] == str(tmp_path / "ca.crt")
    assert arguments["ssl_verify_cert"] is arguments["ssl_verify_identity"] is True
    assert "ssl_ca" not in engine_options(URL)["connect_args"]


@pytest.mark.parametrize("code", sorted(DEMOTED))
def test_a_demoted_server_is_left(code: int) -> None:
    assert _is_disconnect(pymysql.OperationalError(code, "…"))


def test_other_errors_keep_the_connections() -> None:
    assert not _is_disconnect(pymysql.IntegrityError(1062, "Duplicate entry"))
    assert not _is_disconnect(ValueError())


def _is_disconnect(error: Exception) -> bool:
    class Context:
        original_exception = error
        is_disconnect = False

    context: Any = Context()
    _drop_connections_of_demoted(cast(ExceptionContext, context))
    return bool(context.is_disconnect)


def test_error_code() -> None:
    assert error_code(pymysql.OperationalError(2013, "Lost connection")) == 2013
    assert error_code(ValueError("no number")) is None
    assert error_code(None) is None
