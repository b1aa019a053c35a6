"""GET /fetch/claims."""

from pathlib import Path

from flask.testing import FlaskClient

from tests.keys import write_key_pair
from tests.unit.fetch.support import Headers, bearer

PATH = "/fetch/claims"


def test_answers_what_the_token_says(client: FlaskClient, user: Headers) -> None:
    claims = client.get(PATH, headers=user).get_json()["data"]
    assert {name: claims[name] for name in ("sub", "name", "phone", "role", "timestamp")} == {
        "sub": "7",
        "name": "Siti",
        "phone": "+6281234567890",
        "role": "user",
        "timestamp": "2022-05-01T03:00:00Z",
    }


def test_refuses_a_token_of_another_key(client: FlaskClient, tmp_path: Path) -> None:
    stranger = write_key_pair(tmp_path)
    assert client.get(PATH, headers=bearer(stranger, "admin")).status_code == 401


def test_needs_a_token(client: FlaskClient) -> None:
    assert client.get(PATH).status_code == 401
