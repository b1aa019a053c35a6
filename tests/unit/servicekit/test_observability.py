import json

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from servicekit.app import build_app
from servicekit.settings import ServiceSettings


@pytest.fixture
def client() -> FlaskClient:
    return build_app(__name__, ServiceSettings()).test_client()


def test_a_request_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    build_app(__name__, ServiceSettings()).test_client().get("/ping?secret=1", headers={"X-Request-ID": "abc-1"})
    event = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"event": "request", "route": "/ping", "status": 200, "request_id": "abc-1"}.items() <= event.items()
    assert "secret" not in json.dumps(event)


def test_a_safe_id_is_kept_and_answered(client: FlaskClient) -> None:
    assert client.get("/ping", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"


@pytest.mark.parametrize("forged", ["x y", "a" * 65, '{"event":1}', ""])
def test_a_forged_id_is_replaced(client: FlaskClient, forged: str) -> None:
    answered = client.get("/ping", headers={"X-Request-ID": forged}).headers["X-Request-ID"]
    assert answered != forged
    assert len(answered) == 36


def test_unknown_paths_and_methods_share_one_series(client: FlaskClient) -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("http_requests_total", labels) or 0

    labels = {"method": "other", "route": "unmatched", "status": "404"}
    before = count()
    client.open("/some/path", method="BREW")
    client.open("/another/path", method="PROPFIND")
    assert count() - before == 2
