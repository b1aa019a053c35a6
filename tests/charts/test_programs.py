"""The settings classes accept the environment variables of the rendered pods."""

import importlib
import json
import os
import re
from pathlib import Path
from typing import Any, get_args
from unittest import mock

import pytest
from pydantic_settings import BaseSettings

from servicekit.settings import ServiceSettings
from tests.charts.created_secrets import specs
from tests.charts.helm import REPOSITORY
from tests.charts.manifests import Manifests, Workload

PROGRAMS = {
    "auth": "efishery_auth.settings.AuthSettings",
    "auth-migrate": "efishery_auth.settings.DatabaseSettings",
    "auth-first-admin": "efishery_auth.settings.DatabaseSettings",
    "auth-key-rotation": "efishery_auth.settings.DatabaseSettings",
    "fetch": "efishery_fetch.settings.FetchSettings",
    "docs": "efishery_docs.settings.DocsSettings",
    "sample": "efishery_sample.settings.SampleSettings",
    "rate-cron": "efishery_rate_cron.settings.RateCronSettings",
    "create-secrets": "servicekit.create_secrets.CreateSecretsSettings",
}
# Read by the HTTP servers and by the command create-admin, without a settings class.
OTHERS = {"HTTP_THREADS", "HTTP_GRACEFUL_SECONDS", "ADMIN_PHONE", "AUTH_ADMIN_PASSWORD", "EXTRA"}
# Read by OpenTelemetry's SDK; POD_NAME is part of the resource attributes.
TRACING = {
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "POD_NAME",
}


@pytest.fixture(scope="session")
def keys(default: Manifests, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files of a signing key and a CA."""
    folder = tmp_path_factory.mktemp("keys")
    created = specs(default)
    for secret in ("mysql-tls", "auth-signing-key"):  # the key of the second one stays
        for name, content in created[secret].generate().items():
            (folder / name).write_bytes(content)
    return folder


def test_settings_accept_the_rendered_values(rendered: Manifests, keys: Path) -> None:
    for workload in _ours(rendered):
        settings = _settings_class(workload)
        with mock.patch.dict(os.environ, _environment(workload, keys), clear=True):
            settings()


def test_every_rendered_variable_is_a_setting(rendered: Manifests, keys: Path) -> None:
    for workload in _ours(rendered):
        unknown = _environment(workload, keys).keys() - _known(_settings_class(workload)) - OTHERS - TRACING
        assert not unknown, f"{workload.id} gets variables that it does not read"


def test_extra_env_refuses_variables_that_the_chart_sets(rendered: Manifests, keys: Path) -> None:
    template = (REPOSITORY / "charts/efishery/templates/_lib/_env.tpl").read_text()
    refused = set(re.findall(r"\b[A-Z_]+\b", template))
    for workload in _ours(rendered):
        assert _environment(workload, keys).keys() <= refused | {"EXTRA"}, workload.id


def test_the_schema_has_the_log_levels_and_formats_of_the_services() -> None:
    schema = json.loads((REPOSITORY / "charts/efishery/values.schema.json").read_text())
    for name in ("level", "format"):
        known = get_args(ServiceSettings.model_fields[f"log_{name}"].annotation)
        assert schema["properties"]["log"]["properties"][name]["enum"] == list(known)


def _ours(rendered: Manifests) -> list[Workload]:
    return [workload for workload in rendered.workloads if _program(workload) in PROGRAMS]


def _program(workload: Workload) -> str:
    """Return the name of the workload, without what the Jobs of a release have at the end: `rate-cron-1-0a1b2c3d`."""
    return re.sub(r"-1-[0-9a-f]{8}$", "", workload.owner.name)


def _settings_class(workload: Workload) -> type[BaseSettings]:
    module, _, name = PROGRAMS[_program(workload)].rpartition(".")
    found: type[BaseSettings] = getattr(importlib.import_module(module), name)
    return found


def _known(settings: type[BaseSettings]) -> set[str]:
    return {f"{settings.model_config['env_prefix']}{name}".upper() for name in settings.model_fields}


def _environment(workload: Workload, keys: Path) -> dict[str, str]:
    """Return the variables of the only container, with test values for secrets, resources and file paths."""
    return {variable["name"]: _value(variable, keys) for variable in workload.containers[0]["env"]}


def _value(variable: dict[str, Any], keys: Path) -> str:
    if "valueFrom" in variable:
        return "1" if "resourceFieldRef" in variable["valueFrom"] else "secret"
    value = str(variable["value"])
    for mounted in ("signing", "keys", "database"):
        value = value.replace(f"/etc/efishery/{mounted}", str(keys))
    return value
