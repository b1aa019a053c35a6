"""Schemathesis sends requests that the OpenAPI documents allow and forbid, and compares the answers with them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.system.running import RunningSystem

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "80"))  # of each operation and phase; `make fuzz` sets more
LIMIT_SECONDS = 15 * EXAMPLES  # of one run, on a busy machine
PHONES = {("auth", "user"): 1, ("auth", "admin"): 2, ("fetch", "user"): 3, ("fetch", "admin"): 4}


@pytest.mark.timeout(LIMIT_SECONDS + 30)
@pytest.mark.parametrize(("service", "role"), PHONES)
def test_answers_are_as_documented(
    system: RunningSystem, admin_token: str, tmp_path: Path, service: str, role: str
) -> None:
    document = tmp_path / "openapi.json"
    user, other, last = (register(system, admin_token, role, f"+62812999{n}{PHONES[service, role]:02}") for n in "123")
    # Another user logs in and out, many times: the session of the token that the other requests have must not end.
    document.write_text(json.dumps(served_document(system, service, login_of(other))))
    variables = {
        "TOKEN": system.login(**login_of(user)),
        "TOKEN_TO_LOG_OUT": system.login(**login_of(other)),
        "SCHEMATHESIS_LAST_USER_ID": str(last["id"] - 1),
    }
    done = run_schemathesis(document, system.url, variables)
    print(done.stdout)  # noqa: T201 -- with `pytest -s`: the number of cases
    assert done.returncode == 0, done.stdout + done.stderr


def register(system: RunningSystem, admin_token: str, role: str, phone: str) -> dict[str, Any]:
    """Register a user; return the user with id and password."""
    user = {"name": "Schemathesis", "phone": phone, "role": role}
    headers = {"Authorization": f"Bearer {admin_token}"}
    answer = requests.post(f"{system.url}/auth/register", json=user, headers=headers, timeout=10)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def login_of(user: dict[str, Any]) -> dict[str, str]:
    """Return the body of a login."""
    return {"phone": user["phone"], "password": user["password"]}


def served_document(system: RunningSystem, service: str, login: dict[str, str]) -> dict[str, Any]:
    """Return the document, with a login that succeeds as its example: generated passwords never do."""
    document: dict[str, Any] = requests.get(f"{system.url}/{service}/swagdocs", timeout=10).json()
    if service == "auth":
        document["paths"]["/auth/login"]["post"]["requestBody"]["content"]["application/json"]["example"] = login
    return document


def run_schemathesis(document: Path, url: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run all phases against `url`; the exit code is 0 when no check failed."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "--no-color"]
    # The same cases in each run, except in `make fuzz`.
    choice = ["-n", str(EXAMPLES)] + ([] if "SCHEMATHESIS_EXAMPLES" in os.environ else ["--generation-deterministic"])
    return subprocess.run(
        [*command, "run", str(document), "--url", url, *choice],
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS), **variables},
        cwd=document.parent,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
