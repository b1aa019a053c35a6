"""Tokens for the requests: auth issues them, and variants of them must be refused."""

import time
from dataclasses import dataclass
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bench import accounts
from bench.accounts import Account
from bench.scenarios import Token
from efishery_run.errors import LaunchError
from efishery_run.ports import HOST
from efishery_run.services import ADMIN_PHONE, Services
from efishery_run.state import State
from efishery_run.supervisor import Supervisor
from servicekit.key_set import ALGORITHM, read_public_key, thumbprint

READY_SECONDS: Final = 45.0
LEEWAY_SECONDS: Final = 5  # of clocks, in the service and in the references
SHORT_SECONDS: Final = 4
LASTING_SECONDS = 3 * 3600  # longer than a run takes, unlike the tokens of a login


@dataclass(frozen=True)
class Tokens:
    """Access tokens: valid ones by role, one with another key's signature, and one that expires soon."""

    valid: dict[Token, str]
    forged: str
    short: str
    short_expires: float
    """Unix time after which `short` must be refused, the leeway included."""


def issue(services: Services, state: State, supervisor: Supervisor) -> Tokens:
    """Start auth, and log in as admin and as a new user; raises LaunchError and Interrupted."""
    supervisor.run(services.migrate(), READY_SECONDS)
    supervisor.start(services.auth())
    supervisor.run(services.create_admin(), READY_SECONDS)
    supervisor.wait_until_ready(READY_SECONDS)
    valid = log_in(f"http://{HOST}:{services.ports.http['auth']}", ADMIN_PHONE, state.admin_password())
    signing_key = load_pem_private_key(state.signing_key.read_bytes(), password=None)
    if not isinstance(signing_key, rsa.RSAPrivateKey):
        raise LaunchError(f"{state.signing_key}: not an RSA key")
    user = valid[Token.USER]
    expires = int(time.time()) + SHORT_SECONDS
    lasting = int(time.time()) + LASTING_SECONDS
    return Tokens(
        valid={role: _sign_again(token, signing_key, exp=lasting) for role, token in valid.items()},
        forged=_sign_again(user, rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        short=_sign_again(user, signing_key, exp=expires),
        short_expires=expires + LEEWAY_SECONDS,
    )


def log_in(url: str, phone: str, password: str) -> dict[Token, str]:
    """Log in at auth as the admin, and as a user who is registered for this; raises LaunchError."""
    user = accounts.register(url)
    return {
        Token.ADMIN: accounts.log_in(url, Account(phone, password)),
        Token.USER: accounts.log_in(url, user),
    }


def key_id(state: State) -> str:
    """Return the `kid` of the key that auth signs with."""
    return thumbprint(read_public_key(state.verification_keys / "current.pem"))


def _sign_again(token: str, key: rsa.RSAPrivateKey, **claims: object) -> str:
    """Sign the claims of `token`, with those given in place of its own, and with the same `kid`."""
    payload = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**payload, **claims}, key, ALGORITHM, headers={"kid": jwt.get_unverified_header(token)["kid"]})
