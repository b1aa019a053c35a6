"""The system of compose.yaml, as a client of its gateway and its operator see it."""

import shlex
import time

import pytest
import requests

from efishery_run.services import ADMIN_PHONE
from tests.compose.conftest import System, User
from tests.documented import shell_block
from tests.load.rate_limit import of_one_address

JOBS = {"secrets", "migrate", "first-admin"}


def admin_password(system: System) -> str:
    """Run the command of README.md that prints it."""
    (line,) = [
        line for line in shell_block(system.folder / "README.md", "docker compose").splitlines() if "exec" in line
    ]
    command = shlex.split(line, comments=True)
    assert command[:2] == ["docker", "compose"]
    return system.compose(*command[2:]).strip()


def wait_for_the_rate(system: System, token: str) -> None:
    """fetch reads it each second."""
    deadline = time.monotonic() + 30
    while system.request("GET", "/fetch/rate", token).status_code != 200:
        assert time.monotonic() < deadline, system.compose("logs", "rate-cron", "fetch")
        time.sleep(0.2)


def test_all_services_are_healthy_and_the_jobs_have_succeeded(system: System) -> None:
    containers = system.containers()
    assert {name for name, each in containers.items() if each["State"] == "exited"} == JOBS
    assert {name: containers[name]["ExitCode"] for name in JOBS} == dict.fromkeys(JOBS, 0)
    checked = containers.keys() - JOBS - {"rate-cron"}
    assert {name: containers[name]["Health"] for name in checked} == dict.fromkeys(checked, "healthy")
    assert containers["rate-cron"]["State"] == "running"


def test_a_user_gets_the_list_with_prices_in_dollars(system: System, token: str) -> None:
    wait_for_the_rate(system, token)
    body = system.request("GET", "/fetch/resource", token).json()
    assert len(body["data"]) > 150
    rate = body["meta"]["rate"]["rate"]
    assert all(row["price_usd"] == pytest.approx(row["price"] * rate, rel=1e-3, abs=1e-4) for row in body["data"])


@pytest.mark.parametrize("path", ["/fetch/resource", "/fetch/rate", "/auth/claims"])
def test_without_a_token_it_is_401(system: System, path: str) -> None:
    answer = system.request("GET", path)
    assert (answer.status_code, answer.json()["success"]) == (401, False)


def test_the_printed_password_is_the_admins(system: System, token: str) -> None:
    admin = system.login(ADMIN_PHONE, admin_password(system))
    assert system.request("GET", "/fetch/resource/aggregate", admin).status_code == 200
    assert system.request("GET", "/fetch/resource/aggregate", token).status_code == 403


def test_the_gateway_has_the_limits_and_errors_of_the_mesh(system: System) -> None:
    assert system.request("GET", "/docs/").status_code == 200
    unknown = system.request("GET", "/unknown")
    assert (unknown.status_code, unknown.json()["status"]) == (404, 404)
    large = system.request("POST", "/auth/login", data="x" * 20_000)
    assert (large.status_code, large.json()["status"]) == (413, 413)


def test_the_gateway_limits_the_logins_of_an_address(system: System) -> None:
    limit = of_one_address()
    answers = [system.request("POST", "/auth/login", json=[]) for _ in range(2 * limit.burst)]
    assert answers[0].status_code == 400
    assert {answer.headers.get("Retry-After") for answer in answers if answer.status_code == 429} == {"1"}
    limit.wait_until_full()


def test_mysql_and_redis_are_out_of_reach_of_the_gateway_and_the_internet(system: System) -> None:
    lookup = "import socket, sys; socket.getaddrinfo(sys.argv[1], None)"
    options = ("-T", "-e", "RES_OPTIONS=timeout:1 attempts:1")
    codes = {
        name: system.try_compose("exec", *options, "gateway", "python", "-c", lookup, name).returncode
        for name in ("auth", "mysql", "redis")
    }
    assert codes == {"auth": 0, "mysql": 1, "redis": 1}
    for service in ("mysql", "redis"):
        routes = system.compose("exec", "-T", service, "cat", "/proc/net/route").splitlines()[1:]
        assert [line for line in routes if line.split()[1] == "00000000"] == [], "no default route"


def test_a_service_has_no_secrets_of_others_and_a_read_only_file_system(system: System) -> None:
    listed = system.compose("exec", "-T", "fetch", "ls", "/run/secrets", "/run/secrets/keys").split()
    assert {"fetch_redis_password", "current.crt"} == {name for name in listed if not name.endswith(":")} - {"keys"}
    for path in ("/app/new", "/run/secrets/new"):
        refused = system.try_compose("exec", "-T", "fetch", "touch", path)
        assert "Read-only file system" in refused.stderr
    environment = system.compose("exec", "-T", "auth", "cat", "/proc/1/environ")
    assert "PASSWORD" not in environment


def test_a_restart_of_mysql_is_survived(system: System, user: User) -> None:
    system.compose("restart", "mysql")
    login = {"phone": user.phone, "password": user.password}
    deadline = time.monotonic() + 60
    while system.request("POST", "/auth/login", json=login).status_code != 200:
        assert time.monotonic() < deadline, system.compose("logs", "--tail=20", "mysql", "auth")
        time.sleep(0.5)


def test_users_passwords_and_keys_survive_a_new_start(system: System, user: User, token: str) -> None:
    before = admin_password(system)
    system.compose("down", "--timeout", "20")
    with pytest.raises(requests.ConnectionError):
        system.request("GET", "/ping")
    system.up()
    assert admin_password(system) == before
    assert system.request("GET", "/auth/claims", token).status_code == 200, "a token of the former start"
    system.login(user.phone, user.password)


def test_rate_cron_ends_when_it_is_told_to(system: System) -> None:
    began = time.monotonic()
    system.compose("stop", "rate-cron")
    assert time.monotonic() - began < 5, "Docker kills it after ten"
