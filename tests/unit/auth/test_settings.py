from pathlib import Path

import pytest

from efishery_auth.settings import AuthSettings
from servicekit.settings import load
from tests.keys import KeyPair


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, key_pair: KeyPair) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AUTH_DATABASE_URL", "sqlite://")
    monkeypatch.setenv("AUTH_SIGNING_KEY_FILE", str(key_pair.key))
    return monkeypatch


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        load(AuthSettings)
    return capsys.readouterr().err


def test_what_is_required_is_enough(complete: pytest.MonkeyPatch) -> None:
    assert load(AuthSettings).access_token_seconds == 900


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AUTH_DATABASE_URL", "no url"),
        ("AUTH_SIGNING_KEY_FILE", "/nowhere"),
        ("AUTH_VERIFICATION_KEYS_DIR", "/nowhere"),
        ("AUTH_ACCESS_TOKEN_SECONDS", "soon"),
        ("AUTH_ACCESS_TOKEN_SECONDS", "86401"),
        ("AUTH_PUBLIC_URL", "api.example.org"),
        ("AUTH_PUBLIC_URL", "https://api.example.org/"),
        ("AUTH_PUBLIC_URL", "https://api.example.org/auth"),
        ("AUTH_SESSION_IDLE_SECONDS", "0"),
        ("AUTH_SESSION_SECONDS", "forever"),
        ("AUTH_REFRESH_GRACE_SECONDS", "61"),
        ("AUTH_REDIS_URL", "http://redis"),
        ("AUTH_PASSWORD_HASH_KIB", "9216"),
        ("AUTH_PASSWORD_HASH_PASSES", "1"),
        ("AUTH_LOCK_FAILURES", "0"),
        ("AUTH_LOCK_SECONDS", "0"),
        ("AUTH_TRUSTED_PROXIES", "-1"),
        ("AUTH_AUDIT_KEEP_DAYS", "0"),
    ],
)
def test_a_wrong_value_names_its_variable(
    complete: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    complete.setenv(variable, value)
    assert refusal(capsys).startswith(f"{variable}: ")


def test_a_file_that_is_no_private_key_names_variable_and_file(
    complete: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key_pair: KeyPair
) -> None:
    complete.setenv("AUTH_SIGNING_KEY_FILE", str(key_pair.certificate))
    message = refusal(capsys)
    assert message.startswith("AUTH_SIGNING_KEY_FILE: ")
    assert str(key_pair.certificate) in message


def test_a_directory_without_keys_names_its_variable(
    complete: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    complete.setenv("AUTH_VERIFICATION_KEYS_DIR", str(tmp_path))
    assert refusal(capsys).startswith("AUTH_VERIFICATION_KEYS_DIR: ")
