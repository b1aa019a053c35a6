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
