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

CONFIG = Path(__file__).with_name("schemathesis.toml")
LIMIT_SECONDS = 100  # of one run, on a busy machine; on an idle one all four together take less than 60
PHONES = {("auth", "user"): 1, ("auth", "admin"): 2, ("fetch", "user"): 3, ("fetch", "admin"): 4}


@pytest.mark.parametrize(("service", "role"), PHONES)
def test_answers_are_as_documented(
    system: RunningSystem, admin_token: str, tmp_path: Path, service: str, role: str
) -> None:
    user, other = (register(system, admin_token, role, f"+62812999{n}{PHONES[service, role]:02}") for n in ("00", "01"))
    document = tmp_path / "openapi.json"
    # Another user logs in and out, many times: the session of the token that the other requests have must not end.
    document.write_text(json.dumps(served_document(system, service, other)))
    tokens = {"TOKEN": system.login(**user), "TOKEN_TO_LOG_OUT": system.login(**other)}
    done = run_schemathesis(document, system.url, tokens)
    assert done.returncode == 0, done.stdout + done.stderr


def register(system: RunningSystem, admin_token: str, role: str, phone: str) -> dict[str, str]:
    """Register a user; return the body of a login."""
    user = {"name": "Schemathesis", "phone": phone, "role": role}
    headers = {"Authorization": f"Bearer {admin_token}"}
    answer = requests.post(f"{system.url}/auth/register", json=user, headers=headers, timeout=10)
    assert answer.status_code == 201, answer.text
    return {"phone": phone, "password": answer.json()["data"]["password"]}


def served_document(system: RunningSystem, service: str, login: dict[str, str]) -> dict[str, Any]:
    """Return the document, with a login that succeeds as its example: generated passwords never do."""
    document: dict[str, Any] = requests.get(f"{system.url}/{service}/swagdocs", timeout=10).json()
    if service == "auth":
        document["paths"]["/auth/login"]["post"]["requestBody"]["content"]["application/json"]["example"] = login
    return document


def run_schemathesis(document: Path, url: str, tokens: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run all phases against `url`; the exit code is 0 when no check failed."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "--no-color"]
    arguments = ["run", str(document), "--url", url]
    return subprocess.run(
        [*command, *arguments],
        cwd=document.parent,
        env=os.environ | tokens,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
