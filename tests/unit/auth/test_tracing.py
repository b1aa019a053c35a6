"""auth in a real gunicorn, with tracing."""

from pathlib import Path

import requests

from tests.keys import KeyPair
from tests.unit.servicekit.otlp import CLIENT, ERROR, SERVER, receiving
from tests.unit.servicekit.serving import serving

PHONE = "+6281100000001"


def test_a_login_has_a_span_for_the_database_and_none_has_the_phone(tmp_path: Path, key_pair: KeyPair) -> None:
    with receiving() as receiver:
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "AUTH_DATABASE_URL": f"sqlite:///{tmp_path}/empty.db",  # without tables: the database answers an error
            "AUTH_SIGNING_KEY_FILE": str(key_pair.key),
        }
        with serving(tmp_path, "from efishery_auth import create_app", **settings) as server:
            answer = requests.post(f"{server.url}/auth/login", json={"phone": PHONE, "password": "secret"}, timeout=10)
            server.stop()
    login = next(span for span in receiver.spans if span.name == "POST /auth/login")
    database = next(span for span in receiver.spans if span.parent_id == login.span_id)
    assert (answer.status_code, login.kind, login.status) == (500, SERVER, ERROR)
    assert (database.name, database.kind, database.status) == ("database replicas", CLIENT, ERROR)
    assert database.attributes["db.system.name"] == "sqlite"
    assert login.resource["service.name"] == "application", "the module that gunicorn was given"
    assert PHONE.encode() not in b"".join(receiver.bodies)
