"""The servers that are compared: their commands, settings and readiness checks."""

import json
import os
import pwd
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench import http, machine, tokens
from efishery_run.cli import REPOSITORY
from efishery_run.errors import LaunchError
from efishery_run.ports import HOST, Ports
from efishery_run.services import Services
from efishery_run.state import State
from efishery_run.supervisor import Process

REFERENCES: Final = REPOSITORY / "bench" / "references"
GO_REFERENCE: Final = REPOSITORY / ".tools" / "bin" / "bench-reference"
FETCH_DOCKERFILE: Final = REPOSITORY / "services" / "fetch" / "Dockerfile"
AUTH_DOCKERFILE: Final = REPOSITORY / "services" / "auth" / "Dockerfile"
GUNICORN: Final = ("gunicorn", "-c", "python:servicekit.gunicorn_conf", "efishery_fetch:create_app()")
# Neither the list nor its mark `stale` may change during the run.
UNCHANGED: Final = ("FETCH_LIST_TTL_SECONDS", "FETCH_LIST_STALE_AFTER_SECONDS", "FETCH_RATE_STALE_AFTER_SECONDS")
LONG_SECONDS: Final = "7200"
SERVICE: Final = "this service"
NGINX: Final = "nginx, static file"
GO_MEMO: Final = "Go, token memo"
GO_VERIFY: Final = "Go, verifying"
FASTAPI_CACHE: Final = "FastAPI, cached"
FASTAPI_RECOMPUTE: Final = "FastAPI, recomputing"
GUNICORN_SERVICE: Final = "this service on gunicorn"
ARGON2ID: Final = "argon2id loop"


@dataclass(frozen=True)
class Target:
    """One server. `is_service` tells it from the references."""

    name: str
    process: Process
    url: str
    is_service: bool = False
    checks_tokens: bool = True
    serves_cached_bytes: bool = True


@dataclass(frozen=True)
class Factory:
    """Makes the targets of one length of the list."""

    state: State
    cores: machine.Cores
    content: Path
    """The folder that `bench.content.write` fills."""

    def service(self, name: str, ports: Ports, list_url: str, command: tuple[str, ...]) -> Target:
        """The service with `command`, whose first word is a program of this virtualenv."""
        process = Services(ports, self.state).fetch()
        settings = {
            **process.environment,
            "FETCH_LIST_URL": list_url,
            "FETCH_REDIS_URL": f"redis://{HOST}:{ports.redis}/0",
            **dict.fromkeys(UNCHANGED, LONG_SECONDS),
        }
        pinned = machine.pinned(self.cores.server, _of_virtualenv(command))
        process = replace(process, name=_log_name(name), command=pinned, environment=settings)
        return Target(name, process, f"http://{HOST}:{ports.http['fetch']}", is_service=True)

    def auth(self, ports: Ports, settings: Mapping[str, str]) -> Process:
        """auth with the command of its image, and some other settings than those of the launcher."""
        process = Services(ports, self.state).auth()
        pinned = machine.pinned(self.cores.server, _of_virtualenv(image_command(AUTH_DOCKERFILE)))
        return replace(process, command=pinned, environment={**process.environment, **settings})

    def argon2id(self, settings: Mapping[str, str]) -> Process:
        """The loop that verifies a password."""
        command = machine.pinned(self.cores.server, (sys.executable, "-m", "bench.references.argon2id"))
        return Process("argon2id", command, {**settings, "PYTHONPATH": str(REPOSITORY)})

    def go(self, name: str, port: int, tokens: str) -> Target:
        """The Go reference; `tokens` is memo or verify."""
        return self._reference(name, port, (str(GO_REFERENCE),), {"REFERENCE_TOKENS": tokens})

    def fastapi(self, name: str, port: int, body: str) -> Target:
        """The FastAPI reference on uvicorn; `body` is cache or recompute."""
        options = ("--host", HOST, "--port", str(port), "--loop", "uvloop", "--http", "httptools")
        quiet = ("--no-access-log", "--log-level", "warning")
        command = (sys.executable, "-m", "uvicorn", *options, *quiet, "bench.references.fastapi.app:app")
        target = self._reference(name, port, command, {"REFERENCE_BODY": body, "PYTHONPATH": str(REPOSITORY)})
        return replace(target, serves_cached_bytes=body == "cache")

    def nginx(self, name: str, port: int) -> Target:
        """The list as a static file of nginx."""
        directory = self.state.root / "nginx"
        directory.mkdir(exist_ok=True)
        text = (REFERENCES / "nginx" / "nginx.conf.in").read_text()
        values = {
            "DIRECTORY": str(directory),
            "CONTENT": str(self.content),
            "ADDRESS": f"{HOST}:{port}",
            "USER": pwd.getpwuid(os.getuid()).pw_name,
        }
        for placeholder, value in values.items():
            text = text.replace(f"@{placeholder}@", value)
        config = directory / "nginx.conf"
        config.write_text(text)
        target = self._reference(name, port, ("nginx", "-e", "stderr", "-c", str(config)), {}, status=200)
        return replace(target, checks_tokens=False)

    def _reference(
        self, name: str, port: int, command: tuple[str, ...], settings: dict[str, str], status: int = 401
    ) -> Target:
        url = f"http://{HOST}:{port}"
        common = {
            "REFERENCE_ADDRESS": f"{HOST}:{port}",
            "REFERENCE_CONTENT_DIR": str(self.content),
            "REFERENCE_KEY_FILE": str(self.state.verification_keys / "current.pem"),
            "REFERENCE_KEY_ID": tokens.key_id(self.state),
            "REFERENCE_ISSUER": "efishery-auth",
            "REFERENCE_AUDIENCE": "efishery",
        }
        pinned = machine.pinned(self.cores.server, command)
        process = Process(_log_name(name), pinned, {**common, **settings}, _answers(url, status))
        return Target(name, process, url)


def image_command(dockerfile: Path = FETCH_DOCKERFILE) -> tuple[str, ...]:
    """Return the command of the service's image; raises LaunchError if its Dockerfile has no CMD in JSON form."""
    for line in dockerfile.read_text().splitlines():
        if line.startswith("CMD ["):
            return tuple(json.loads(line.removeprefix("CMD ")))
    raise LaunchError(f'{dockerfile}: has no line CMD ["program", ...]')


def _answers(url: str, status: int) -> Callable[[], bool]:
    def probe() -> bool:
        try:
            return http.get(f"{url}/fetch/resource").status == status
        except LaunchError:
            return False

    return probe


def _of_virtualenv(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command with its program from this virtualenv, as the image has it on PATH."""
    return (str(Path(sys.executable).parent / command[0]), *command[1:])


def _log_name(name: str) -> str:
    return name.replace(", ", "-").replace(" ", "-")
