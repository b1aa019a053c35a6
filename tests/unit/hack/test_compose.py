"""compose.yaml agrees with hack/images, the charts and the services; its job `secrets` makes what the others read."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from tests.contract.test_settings import SERVICES as SETTINGS

Service = dict[str, Any]
REPOSITORY = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
SERVICES: dict[str, Service] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
JOBS = {"secrets", "migrate", "first-admin"}
VOLUMES = ("auth", "fetch", "rate-cron", "mysql", "redis")
OWN_VARIABLES = {"SECRETS_DIR", "HTTP_THREADS"}
VALUES: dict[str, Any] = yaml.safe_load((REPOSITORY / "charts/efishery/values.yaml").read_text())
MYSQL_VALUES: dict[str, Any] = yaml.safe_load((REPOSITORY / "charts/mysql/values.yaml").read_text())


@pytest.mark.parametrize("name", BUILT)
def test_an_image_is_built_as_hack_images_builds_it(name: str) -> None:
    script = 'source hack/lib.sh; image_name "$1"; dockerfile "$1"'
    environment = {key: value for key, value in os.environ.items() if key not in ("REGISTRY", "IMAGE_TAG")}
    command = ["bash", "-c", script, "-", name]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
    image, dockerfile = done.stdout.split()
    assert BUILT[name]["build"] == {"context": ".", "dockerfile": dockerfile}
    assert (REPOSITORY / dockerfile).is_file()
    assert re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", BUILT[name]["image"]) == image


def test_each_image_is_built_by_one_service_or_is_that_of_the_chart() -> None:
    built = [service["image"] for service in BUILT.values()]
    assert len(set(built)) == len(built)
    public = {service["image"] for service in SERVICES.values()} - set(built)
    images = (VALUES["redis"]["image"], MYSQL_VALUES["image"])
    assert public == {f"{image['repository']}:{image['tag']}" for image in images}


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_is_restricted(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_add", []) == (["CHOWN"] if name == "secrets" else [])
    assert service["restart"] == ("no" if name in JOBS else "unless-stopped")
    assert service["mem_limit"]


@pytest.mark.parametrize("name", ["auth", "fetch", "docs", "sample", "rate-cron", "redis", "mysql"])
def test_a_container_has_the_memory_of_the_chart(name: str) -> None:
    values = MYSQL_VALUES if name == "mysql" else VALUES["rateCron" if name == "rate-cron" else name]
    limit = {"1Gi": "1g"}.get(memory := values["resources"]["limits"]["memory"], memory.replace("Mi", "m"))
    assert SERVICES[name]["mem_limit"] == limit


@pytest.mark.parametrize("name", [name for name in BUILT if name != "gateway"])
def test_each_variable_is_a_setting_and_none_is_a_secret(name: str) -> None:
    settings = SETTINGS[name]
    known = {f"{settings.model_config['env_prefix']}{field}".upper() for field in settings.model_fields}
    variables = SERVICES[name].get("environment", {}).keys()
    assert variables <= known | OWN_VARIABLES
    assert not [variable for variable in variables if "PASSWORD" in variable]


def test_only_the_gateway_has_a_port_and_only_on_this_machine() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"gateway": ["127.0.0.1:${PORT:-8080}:8080"]}


@pytest.fixture
def run_secrets(tmp_path: Path) -> Any:
    """Return a function that runs the job with its volumes in `tmp_path`, and chgrp replaced: it needs a capability."""
    for folder in (*VOLUMES, "bin"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bin" / "chgrp").symlink_to("/bin/true")
    script = (REPOSITORY / "hack/compose/secrets.sh").read_text().replace("/secrets/", f"{tmp_path}/")
    acl = (REPOSITORY / "charts/efishery/files/write-acl.sh").read_text().replace("/run/redis", f"{tmp_path}/redis")
    (tmp_path / "write-acl.sh").write_text(acl)
    script = script.replace("/etc/compose", str(tmp_path)).replace("/run/redis", f"{tmp_path}/redis")

    def run() -> dict[str, str]:
        subprocess.run(
            ["sh", "-c", script], env={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}, check=True, timeout=60
        )
        found = [
            path for path in tmp_path.rglob("*") if path.is_file() and path.parent not in (tmp_path, tmp_path / "bin")
        ]
        return {str(path.relative_to(tmp_path)): path.read_text() for path in found}

    return run


def test_secrets_are_made_once(run_secrets: Any, tmp_path: Path) -> None:
    made = run_secrets()
    assert sorted(made) == [
        "auth/auth_admin_password",
        "auth/auth_database_password",
        "auth/auth_redis_password",
        "auth/tls.crt",
        "auth/tls.key",
        "fetch/fetch_redis_password",
        "fetch/keys/current.crt",
        "mysql/accounts.sql",
        "rate-cron/rate_cron_redis_password",
        "redis/users.acl",
    ]
    passwords = [text.strip() for name, text in made.items() if name.endswith("_password")]
    assert len(set(passwords)) == 5
    assert all(len(password) == 32 for password in passwords)
    assert {name: text for name, text in run_secrets().items() if name != "redis/users.acl"} == {
        name: text for name, text in made.items() if name != "redis/users.acl"
    }
    assert all((tmp_path / name).stat().st_mode & 0o777 == 0o640 for name in made)


def test_fetch_gets_the_certificate_of_the_signing_key(run_secrets: Any) -> None:
    made = run_secrets()
    key = load_pem_private_key(made["auth/tls.key"].encode(), None)
    certificate = load_pem_x509_certificate(made["fetch/keys/current.crt"].encode())
    assert certificate.public_key() == key.public_key()


def test_mysql_takes_the_password_of_auth(run_secrets: Any) -> None:
    made = run_secrets()
    password = made["auth/auth_database_password"].strip()
    assert f"ALTER USER 'efishery'@'%' IDENTIFIED BY '{password}' REQUIRE SSL;" in made["mysql/accounts.sql"]


def test_an_interrupted_first_run_is_completed(run_secrets: Any, tmp_path: Path) -> None:
    (tmp_path / "auth" / "auth_admin_password.new").write_text("half")
    (tmp_path / "auth" / "tls.key.new").write_text("half")
    (tmp_path / "auth" / "tls.crt").write_text("half")
    made = run_secrets()
    assert len(made["auth/auth_admin_password"].strip()) == 32
    assert "half" not in (made["auth/tls.crt"], made["fetch/keys/current.crt"])
