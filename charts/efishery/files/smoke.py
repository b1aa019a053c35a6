# ruff: noqa: S310, T201 - all URLs are http, and it prints its progress
"""Test a deployed auth and fetch like a client. `helm test` runs this, inside the mesh if there is one."""

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

AUTH = "http://auth"
FETCH = "http://fetch"
PROTECTED = (
    f"{AUTH}/auth/claims",
    f"{FETCH}/fetch/claims",
    f"{FETCH}/fetch/resource",
    f"{FETCH}/fetch/resource/aggregate",
)
RATE = f"{FETCH}/fetch/rate"
# After an installation it takes some seconds until the mesh has the keys and the release its first rate.
TIMEOUT_SECONDS = 120


def call(url: str, body: Mapping[str, str] | None, token: str) -> dict[str, Any]:
    """Return the JSON body from `url`; raise OSError with status and body for a status other than 2xx."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    payload = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, payload, headers), timeout=15) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except HTTPError as error:
        raise OSError(f"HTTP {error.code}: {error.read(300).decode(errors='replace')}") from error


def check(url: str, deadline: float, body: Mapping[str, str] | None = None, token: str = "") -> dict[str, Any]:
    """Return the JSON body from `url`; retry until `deadline` (monotonic seconds), then exit 1 with the last error."""
    while True:
        try:
            answer = call(url, body, token)
        except (OSError, ValueError) as error:
            if time.monotonic() > deadline:
                sys.exit(f"FAILED {url}: {error}")
            print(f"  wait {url}: {error}", flush=True)
            time.sleep(3)
        else:
            print(f"  ok   {url}", flush=True)
            return answer


def main() -> None:
    """Check the public keys; if there is an admin's phone and password, also a login and the protected paths."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    check(f"{AUTH}/auth/.well-known/jwks.json", deadline)
    if "ADMIN_PHONE" in os.environ:
        credentials = {"phone": os.environ["ADMIN_PHONE"], "password": os.environ["ADMIN_PASSWORD"]}
        session = check(f"{AUTH}/auth/login", deadline, body=credentials)["data"]
        # Without rateCron.runOnInstall there is no rate before the next scheduled run, which may be hours away.
        rate = [RATE] if os.environ["RATE_EXPECTED"] == "true" else []
        for url in [*PROTECTED, *rate]:
            check(url, deadline, token=session["access_token"])
    print("all checks passed")


if __name__ == "__main__":
    main()
