"""The system of compose.yaml, under a project name and on a port of its own."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.system.running import free_port

PROJECT = "efishery-test"
UP_SECONDS = 200


@dataclass(frozen=True)
class System:
    """The running containers, and the gateway."""

    folder: Path
    port: int

    def compose(self, *arguments: str) -> str:
        """Run `docker compose` and return what it prints; a failure fails the test."""
        done = self.try_compose(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}\n{self.try_compose('logs', '--tail=20').stdout}"
        return done.stdout

    def try_compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `docker compose`."""
        environment = {**os.environ, "PORT": str(self.port), "COMPOSE_PROJECT_NAME": PROJECT}
        command = ["docker", "compose", "--progress=plain", "--ansi=never", *arguments]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def up(self) -> None:
        """Start what does not run, and wait until all is healthy."""
        self.compose("up", "--wait", "--wait-timeout", str(UP_SECONDS))

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return the state of each service's container, also of the jobs that have ended."""
        lines = self.compose("ps", "--all", "--format", "json").splitlines()
        return {container["Service"]: container for container in map(json.loads, lines)}

    def request(self, method: str, path: str, token: str | None = None, **options: Any) -> requests.Response:
        """Send a request through the gateway."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"http://127.0.0.1:{self.port}{path}"
        return requests.request(method, url, headers=headers, timeout=30, **options)

    def login(self, phone: str, password: str) -> str:
        """Return the access token of a user."""
        answer = self.request("POST", "/auth/login", json={"phone": phone, "password": password})
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["data"]["access_token"]
        return token


@dataclass(frozen=True)
class User:
    """Somebody who has registered."""

    phone: str
    password: str


@pytest.fixture(scope="session")
def system(repository: Path) -> Iterator[System]:
    """Return the system, started from nothing and removed at the end with its volumes."""
    system = System(repository, free_port())
    system.compose("down", "--volumes", "--remove-orphans")
    try:
        system.up()
        yield system
    finally:
        system.compose("down", "--volumes", "--timeout", "5")


@pytest.fixture(scope="session")
def user(system: System) -> User:
    """Return a user that registered through the gateway."""
    phone = "+6281234567890"
    answer = system.request("POST", "/auth/register", json={"name": "Siti", "phone": phone, "role": "user"})
    assert answer.status_code == 201, answer.text
    return User(phone, answer.json()["data"]["password"])


@pytest.fixture
def token(system: System, user: User) -> str:
    """Return the user's token."""
    return system.login(user.phone, user.password)
