from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ServiceSettings, load


class ExampleSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    url: str
    workers: int = 2
    secret: SecretStr | None = None


def test_reads_variables_with_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_URL", "http://here")
    monkeypatch.setenv("EXAMPLE_WORKERS", "3")
    settings = load(ExampleSettings)
    assert (settings.url, settings.workers) == ("http://here", 3)


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_URL", "http://here")
    monkeypatch.setenv("EXAMPLE_WORKERS", "")
    assert load(ExampleSettings).workers == 2


def test_each_invalid_variable_is_named_on_its_own_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXAMPLE_WORKERS", "many")
    with pytest.raises(SystemExit) as stop:
        load(ExampleSettings)
    lines = capsys.readouterr().err.splitlines()
    assert stop.value.code == 2
    assert lines[0] == "EXAMPLE_URL: is required: set it"
    assert lines[1].startswith("EXAMPLE_WORKERS: ")
    assert "many" not in lines[1], "a value may be a secret and is never printed"


def test_a_setting_can_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "example_url").write_text("http://there\n")
    (tmp_path / "example_secret").write_text("s3cret\n")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    settings = load(ExampleSettings)
    assert settings.secret is not None
    assert (settings.url, settings.secret.get_secret_value()) == ("http://there", "s3cret")


def test_a_variable_precedes_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "example_url").write_text("http://there")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("EXAMPLE_URL", "http://here")
    assert load(ExampleSettings).url == "http://here"


def test_a_missing_directory_of_secrets_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("EXAMPLE_URL", "http://here")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "none"))
    with pytest.raises(SystemExit, match="2"):
        load(ExampleSettings)
    assert f"SECRETS_DIR: {tmp_path}/none is no directory" in capsys.readouterr().err
