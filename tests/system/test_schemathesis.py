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
LIMIT_SECONDS = 240  # of one run, on a busy machine; on an idle one all four together take less than 120
PHONES = {("auth", "user"): 1, ("auth", "admin"): 2, ("fetch", "user"): 3, ("fetch", "admin"): 4}


@pytest.mark.timeout(LIMIT_SECONDS + 30)
@pytest.mark.parametrize(("service", "role"), PHONES)
def test_answers_are_as_documented(
    system: RunningSystem, admin_token: str, tmp_path: Path, service: str, role: str
) -> None:
    phone = f"+6281299900{PHONES[service, role]:02}"
    login = {"phone": phone, "password": register(system, admin_token, role, phone)["password"]}
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(served_document(system, service, login)))
    last_id = register(system, admin_token, "user", f"{phone}0")["id"] - 1
    done = run_schemathesis(document, system.url, system.login(**login), last_id)
    assert done.returncode == 0, done.stdout + done.stderr


def register(system: RunningSystem, admin_token: str, role: str, phone: str) -> dict[str, Any]:
    """Register a user; return the user with id and password."""
    user = {"name": "Schemathesis", "phone": phone, "role": role}
    headers = {"Authorization": f"Bearer {admin_token}"}
    answer = requests.post(f"{system.url}/auth/register", json=user, headers=headers, timeout=10)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def served_document(system: RunningSystem, service: str, login: dict[str, str]) -> dict[str, Any]:
    """Return the document, with a login that succeeds as its example: generated passwords never do."""
    document: dict[str, Any] = requests.get(f"{system.url}/{service}/swagdocs", timeout=10).json()
    if service == "auth":
        document["paths"]["/auth/login"]["post"]["requestBody"]["content"]["application/json"]["example"] = login
    return document


def run_schemathesis(document: Path, url: str, token: str, last_id: int) -> subprocess.CompletedProcess[str]:
    """Run all phases against `url`; the exit code is 0 when no check failed. Users up to `last_id` are not changed."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "--no-color"]
    arguments = ["run", str(document), "--url", url, "--header", f"Authorization: Bearer {token}"]
    hooks = {"SCHEMATHESIS_HOOKS": str(HOOKS), "SCHEMATHESIS_LAST_USER_ID": str(last_id)}
    return subprocess.run(
        [*command, *arguments],
        env=os.environ | hooks,
        cwd=document.parent,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
