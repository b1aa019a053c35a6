"""The processes of a run: command, settings and readiness check of each."""

import http.client
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from efishery_gateway import envoy
from efishery_run.errors import LaunchError
from efishery_run.ports import HOST, Ports
from efishery_run.state import State
from efishery_run.supervisor import Process

ADMIN_PHONE: Final = "+6281100000001"

RedisKind = Literal["auto", "server", "stand-in"]


@dataclass(frozen=True)
class Services:
    """Makes the processes of one run."""

    ports: Ports
    state: State

    def auth(self) -> Process:
        """The users and their tokens, on SQLite."""
        return self._gunicorn("auth", self._auth_settings())

    def migrate(self) -> Process:
        """Bring the database to the newest schema."""
        return self._auth_command("migrate")

    def create_admin(self) -> Process:
        """Make the first admin, once."""
        return self._auth_command("create-admin", "--phone", ADMIN_PHONE, "--name", "Admin")

    def fetch(self) -> Process:
        """The list and its statistics."""
        settings = _defaults(
            FETCH_LIST_URL=f"http://{HOST}:{self.ports.http['sample']}/commodities",
            FETCH_REDIS_URL=self._redis_url,
            FETCH_VERIFICATION_KEYS_DIR=str(self.state.verification_keys),
        )
        return self._web("fetch", (sys.executable, "-m", "efishery_fetch"), settings)

    def docs(self) -> Process:
        """The Swagger UI of both documents."""
        return self._gunicorn("docs", {})

    def sample(self) -> Process:
        """The generated upstream."""
        return self._gunicorn("sample", {})

    def rate_cron(self) -> Process:
        """One refresh of the rate."""
        settings = _defaults(
            RATE_CRON_REDIS_URL=self._redis_url,
            RATE_CRON_PROVIDERS="custom",
            RATE_CRON_CUSTOM_URL=f"http://{HOST}:{self.ports.http['sample']}/rate",
            RATE_CRON_CUSTOM_DATE_PATH="$.date",
        )
        return Process("rate-cron", (sys.executable, "-m", "efishery_rate_cron"), settings)

    def redis(self, kind: RedisKind) -> Process:
        """A redis-server where it is installed, else the stand-in; raises LaunchError when a server is required."""
        port = str(self.ports.redis)
        server = shutil.which("redis-server")
        if kind == "server" and server is None:
            raise LaunchError("redis-server is not on PATH: install it (Debian: apt-get install redis-server)")
        if server is None or kind == "stand-in":
            command: tuple[str, ...] = (sys.executable, "-m", "efishery_run.redis", port)
        else:
            in_memory = ("--save", "", "--appendonly", "no", "--dir", str(self.state.root))
            command = (server, "--bind", HOST, "--port", port, *in_memory)
        return Process("redis", command, is_ready=partial(_redis_answers, self.ports.redis))

    def gateway(self) -> Process:
        """Envoy, with the configuration file of the state folder."""
        command = envoy.command(self.state.gateway_config)
        return Process("gateway", command, is_ready=partial(_answers, self.ports.gateway, "/ping"))

    @property
    def _redis_url(self) -> str:
        return f"redis://{HOST}:{self.ports.redis}/0"

    def _auth_settings(self) -> dict[str, str]:
        return {
            **_defaults(
                AUTH_DATABASE_URL=f"sqlite:///{self.state.database}",
                AUTH_REDIS_URL=self._redis_url,
                AUTH_LOCK_ADDRESS_FAILURES="0",  # all clients have one address here
            ),
            "AUTH_SIGNING_KEY_FILE": str(self.state.signing_key),
            "AUTH_TRUSTED_PROXIES": "1",
            "AUTH_ADMIN_PASSWORD": self.state.admin_password(),
        }

    def _auth_command(self, *arguments: str) -> Process:
        command = (sys.executable, "-m", "flask", "--app", "efishery_auth.commands", *arguments)
        return Process(f"auth-{arguments[0]}", command, self._auth_settings())

    def _gunicorn(self, name: str, settings: Mapping[str, str]) -> Process:
        options = ("-c", "python:servicekit.gunicorn_conf", f"efishery_{name}:create_app()")
        return self._web(name, (sys.executable, "-m", "gunicorn", *options), settings)

    def _web(self, name: str, command: tuple[str, ...], settings: Mapping[str, str]) -> Process:
        port = self.ports.management[name]
        places = {
            "HTTP_HOST": HOST,
            "HTTP_PORT": str(self.ports.http[name]),
            "MANAGEMENT_PORT": str(port),
            "HTTP_GRACEFUL_SECONDS": "3",
        }
        return Process(name, command, {**settings, **places}, partial(_answers, port, "/readyz"))


def _defaults(**settings: str) -> dict[str, str]:
    """Settings that the environment may override, as in `FETCH_LIST_URL=https://... make run`."""
    return {name: os.environ.get(name) or value for name, value in settings.items()}


def _answers(port: int, path: str) -> bool:
    """Whether GET `path` answers 200; http.client ignores proxy settings."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _redis_answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(b"*1\r\n$4\r\nPING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
