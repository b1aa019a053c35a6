"""The keys of a mounted directory, read again while the process runs, so that a rotation needs no restart.

The kubelet replaces the content of a mounted Secret at once: it makes the link `..data` point to a new directory
(https://kubernetes.io/docs/concepts/configuration/secret/#mounted-secrets-are-updated-automatically).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from flask import Flask

from servicekit.app import run_in_background
from servicekit.key_set import KeySet
from servicekit.repetition import repeat
from servicekit.tokens import verified_tokens

RELOAD_SECONDS = 10.0

Keys = TypeVar("Keys", bound=KeySet)
log = structlog.get_logger(__name__)


class ReloadedKeys(Generic[Keys]):
    """Holds the key set that is in use. `read` returns the key files, and `parse` makes the key set of them.

    Both may raise OSError or ValueError: the constructor raises it too, a reload logs it and keeps the last key set.
    """

    def __init__(self, read: Callable[[], Mapping[Path, bytes]], parse: Callable[[Mapping[Path, bytes]], Keys]) -> None:
        self._read = read
        self._parse = parse
        self._files = read()
        self._current = parse(self._files)
        self._on_removal: list[Callable[[], None]] = []

    @property
    def current(self) -> Keys:
        """The key set in use; read it once for what must belong together."""
        return self._current

    def find(self, kid: object) -> RSAPublicKey:
        """Return the key with this `kid`. Raises InvalidToken if the set in use does not contain it."""
        return self._current.find(kid)

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the set in use as a JWK Set."""
        return self._current.jwks()

    def on_removal(self, callback: Callable[[], None]) -> None:
        """Call `callback` after each reload that removed a key."""
        self._on_removal.append(callback)

    def reload(self) -> None:
        """Read the files; if they have changed and are valid, use their keys from now on."""
        try:
            files = self._read()
            if files == self._files:  # parsing a private key checks it, which takes much longer than reading it
                return
            keys = self._parse(files)
        except (OSError, ValueError) as error:
            log.error("keys_not_reloaded", reason=str(error))  # noqa: TRY400 -- the reason names the file
            return
        former, self._files, self._current = self._current, files, keys
        added, removed = sorted(keys.kids - former.kids), sorted(former.kids - keys.kids)
        log.info("keys_reloaded", added=added, removed=removed)
        if removed:
            for callback in self._on_removal:
                callback()

    def run(self) -> None:
        """Reload every few seconds for as long as the process lives."""
        repeat(self.reload, lambda: RELOAD_SECONDS, "keys_not_reloaded")


def reload_in_background(app: Flask, keys: ReloadedKeys[Any]) -> None:
    """Reload `keys` while `app` serves; a removed key also ends the tokens that it had verified before."""
    keys.on_removal(verified_tokens(app).clear)
    run_in_background(app, "keys", keys.run)
