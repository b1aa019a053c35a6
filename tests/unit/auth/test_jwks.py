from pathlib import Path

from flask.testing import FlaskClient

from efishery_auth.settings import AuthSettings
from efishery_auth.tokens import init_signing
from efishery_auth.views.jwks import PATH
from servicekit.app import build_app
from tests.keys import write_key_pair


def test_is_public_and_may_be_cached(client: FlaskClient) -> None:
    response = client.get(PATH)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert [key["kty"] for key in response.get_json()["keys"]] == ["RSA"]


def test_never_shows_a_private_part(client: FlaskClient) -> None:
    assert client.get(PATH).get_json()["keys"][0].keys() == {"kty", "use", "alg", "kid", "n", "e"}


def test_former_keys_are_published_with_the_current_one(settings: AuthSettings, tmp_path: Path) -> None:
    former = tmp_path / "former"
    former.mkdir()
    write_key_pair(former, "former")
    keys = init_signing(build_app(__name__, settings), settings.model_copy(update={"verification_keys_dir": former}))
    assert len(keys.jwks()["keys"]) == 2
