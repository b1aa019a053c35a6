"""Shared by the tests of fetch: upstream rows, the rate record, and tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from fakeredis import FakeRedis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from efishery_fetch import create_app
from efishery_fetch.clock import Clock
from efishery_fetch.rate import KEY as RATE_KEY
from efishery_fetch.settings import FetchSettings
from efishery_fetch.state import EXTENSION
from servicekit.key_set import read_public_key, thumbprint
from tests.keys import KeyPair

__all__ = [
    "NOW",
    "RATE_KEY",
    "RATE_RECORD",
    "Headers",
    "bearer",
    "refresh_snapshot",
    "refreshing_client",
    "upstream_row",
]

NOW = datetime(2022, 5, 30, 8, tzinfo=UTC)
RATE_RECORD = (
    '{"rate": "0.00006123", "base": "IDR", "quote": "USD", "as_of": "2022-05-30",'
    ' "fetched_at": "2022-05-30T07:55:00Z", "source": "frankfurter"}'
)

Headers = dict[str, str]


def upstream_row(**changes: object) -> dict[str, Any]:
    """Return a good row as the upstream sends it, all text, with some fields changed."""
    row: dict[str, Any] = {
        "uuid": "5f2b1c9e-0d3a-4a51-9a55-0b7f2c1d8e11",
        "komoditas": "Lele",
        "area_provinsi": "JAWA TIMUR",
        "area_kota": "KEDIRI",
        "size": "80",
        "price": "21500",
        "tgl_parsed": "2022-03-10T02:15:00Z",
        "timestamp": "1646878500123",
    }
    return row | changes


def bearer(key_pair: KeyPair, role: str, **changes: object) -> Headers:
    """Return the header of a token that auth could have signed, with some claims changed."""
    issued = datetime.now(UTC)
    claims = {
        "iss": "efishery-auth",
        "aud": "efishery",
        "sub": "7",
        "iat": issued,
        "exp": issued + timedelta(minutes=5),
        "jti": "a-test",
        "type": "access",
        "name": "Siti",
        "phone": "+6281234567890",
        "role": role,
        "timestamp": "2022-05-01T03:00:00Z",
        **changes,
    }
    kid = thumbprint(read_public_key(key_pair.certificate))
    token = jwt.encode(claims, key_pair.key.read_bytes(), algorithm="RS256", headers={"kid": kid})
    return {"Authorization": f"Bearer {token}"}


def refresh_snapshot(pod: FlaskClient) -> None:
    """Refresh the snapshot of the client's application."""
    pod.application.extensions[EXTENSION].refresher.refresh()


class RefreshingClient(FlaskClient):
    """Refreshes the snapshot before each request, as the background thread does."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Refresh, then send the request."""
        refresh_snapshot(self)
        return super().open(*args, **kwargs)


def refreshing_client(settings: FetchSettings, redis: FakeRedis, clock: Clock = lambda: NOW) -> FlaskClient:
    """Make the application and a client of it."""
    app = create_app(settings, redis=redis, clock=clock)
    app.test_client_class = RefreshingClient
    return app.test_client()
