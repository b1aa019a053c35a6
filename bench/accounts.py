"""Users of auth, made through its API."""

import json
import secrets
from dataclasses import dataclass, replace
from typing import Any

from bench import http
from efishery_run.errors import LaunchError


@dataclass(frozen=True)
class Account:
    """What a user logs in with."""

    phone: str
    password: str

    @property
    def body(self) -> dict[str, str]:
        """The body of a login."""
        return {"phone": self.phone, "password": self.password}


def register(url: str) -> Account:
    """Register a user, who has a generated password; raises LaunchError."""
    user = {"name": "Benchmark", "phone": f"+628{secrets.randbelow(10**11):011d}"}
    return Account(user["phone"], _data(http.post(f"{url}/auth/register", user))["password"])


def log_in(url: str, account: Account) -> str:
    """Return an access token; raises LaunchError, also if the login has started no session."""
    tokens = _data(http.post(f"{url}/auth/login", account.body))
    if "refresh_token" not in tokens:
        raise LaunchError(f"{url}/auth/login: auth has stored no session")
    return str(tokens["access_token"])


def choose_password(url: str, account: Account) -> Account:
    """Give a user a password of their own; raises LaunchError."""
    chosen = secrets.token_urlsafe(12)
    body = {"current_password": account.password, "new_password": chosen}
    _data(http.put(f"{url}/auth/password", body, http.bearer(log_in(url, account))))
    return replace(account, password=chosen)


def _data(answer: http.Answer) -> dict[str, Any]:
    if answer.status not in (200, 201):
        raise LaunchError(f"auth answered {answer.status}: {answer.body.decode(errors='replace')}")
    data: dict[str, Any] = json.loads(answer.body)["data"]
    return data
