"""What outlives a run, in one folder: the database, the signing key, the admin's password; and the logs of the last."""

import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from efishery_run.errors import LaunchError


@dataclass(frozen=True)
class State:
    """The folder and the places in it."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file of auth."""
        return self.root / "auth.sqlite3"

    @property
    def signing_key(self) -> Path:
        """The private key that auth signs with (PEM, readable by its owner alone)."""
        return self.root / "signing-key.pem"

    @property
    def verification_keys(self) -> Path:
        """The folder of public keys that fetch verifies with; nothing private is in it."""
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        """The folder with a log for each process of the last run."""
        return self.root / "logs"

    @property
    def gateway_config(self) -> Path:
        """Envoy's configuration, made anew by each run."""
        return self.root / "envoy.json"

    def prepare(self) -> None:
        """Make the folders and the keys that are missing, and begin new logs; raises LaunchError."""
        try:
            shutil.rmtree(self.logs, ignore_errors=True)
            self.logs.mkdir(parents=True)
            self.verification_keys.mkdir(exist_ok=True)
            if not self.signing_key.exists():
                self._make_keys()
        except OSError as error:
            raise _unwritable(self.root, error) from error

    def admin_password(self) -> str:
        """The first admin's password, made at the first run and kept beside the database it belongs to."""
        path = self.root / "admin-password"
        if not path.exists():
            _write_private(path, secrets.token_urlsafe(15).encode())
        return path.read_text().strip()

    def _make_keys(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (self.verification_keys / "current.pem").write_bytes(public)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # Last: a run that is cut off before this has happened makes both anew.
        _write_private(self.signing_key, private)


@contextmanager
def held(state: State) -> Iterator[None]:
    """Hold the folder for this run alone; raises LaunchError while another run has it."""
    try:
        state.root.mkdir(parents=True, exist_ok=True)
        lock = (state.root / "lock").open("w")
    except OSError as error:
        raise _unwritable(state.root, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            reason = f"{state.root} is in use by another run"
            raise LaunchError(f"{reason}: stop that one, or choose another with --state-dir") from error
        yield


def _unwritable(path: Path, error: OSError) -> LaunchError:
    return LaunchError(f"{path} cannot be written ({error.strerror}): choose another with --state-dir")


def _write_private(path: Path, content: bytes) -> None:
    """Write a file of its owner's, all of it or nothing: a run may be cut off between any two lines."""
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(content)
    part.replace(path)
