"""Keys are read again while the process runs, as the kubelet replaces the files of a mounted Secret."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from servicekit.errors import Unauthorized
from servicekit.key_set import KeySet, read_key_files, read_public_key, thumbprint
from servicekit.reloaded_keys import ReloadedKeys, reload_in_background
from servicekit.tokens import verified_tokens
from tests.keys import KeyPair, write_key_pair
from tests.unit.servicekit.test_tokens import build, get, sign


class MountedSecret:
    """A volume of the kubelet: each update is a new directory, and the link `..data` is replaced at once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._version = 0

    def update(self, **files: Path) -> None:
        former = self.directory / f"..{self._version}"
        self._version += 1
        version = self.directory / f"..{self._version}"
        version.mkdir(parents=True)
        for name, path in files.items():
            shutil.copy(path, version / f"{name}.crt")
        link = self.directory / "..new"
        link.symlink_to(version.name)
        link.replace(self.directory / "..data")
        for name in files:
            (self.directory / f"{name}.crt").unlink(missing_ok=True)
            (self.directory / f"{name}.crt").symlink_to(f"..data/{name}.crt")
        if former.exists():
            shutil.rmtree(former)


def kid(pair: KeyPair) -> str:
    return thumbprint(read_public_key(pair.certificate))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[KeyPair]:
    directory = tmp_path_factory.mktemp("pairs")
    return [write_key_pair(directory, f"key-{number}") for number in range(2)]


@pytest.fixture
def secret(tmp_path: Path, pairs: list[KeyPair]) -> MountedSecret:
    secret = MountedSecret(tmp_path / "mount")
    secret.update(current=pairs[0].certificate)
    return secret


@pytest.fixture
def keys(secret: MountedSecret) -> ReloadedKeys[KeySet]:
    return ReloadedKeys(partial(read_key_files, secret.directory), KeySet.from_files)


def test_a_new_key_is_found_after_a_reload(
    secret: MountedSecret, keys: ReloadedKeys[KeySet], pairs: list[KeyPair]
) -> None:
    secret.update(current=pairs[0].certificate, next=pairs[1].certificate)
    with pytest.raises(Unauthorized):
        keys.find(kid(pairs[1]))
    with capture_logs() as logs:
        keys.reload()
    assert kid(pairs[1]) in keys.current.kids
    assert kid(pairs[0]) in keys.current.kids
    assert len(keys.jwks()["keys"]) == 2
    assert [(line["event"], line["added"], line["removed"]) for line in logs] == [
        ("keys_reloaded", [kid(pairs[1])], [])
    ]


def test_a_file_of_a_former_version_is_not_read(secret: MountedSecret, pairs: list[KeyPair]) -> None:
    secret.update(current=pairs[1].certificate)
    assert read_key_files(secret.directory) == {
        secret.directory / "current.crt": pairs[1].certificate.read_bytes(),
    }
    # The kubelet removes the link of a key that is gone only after it has replaced `..data`.
    (secret.directory / "gone.crt").symlink_to("..data/gone.crt")
    assert read_key_files(secret.directory).keys() == {secret.directory / "current.crt"}


def test_files_that_are_no_keys_change_nothing(
    secret: MountedSecret, keys: ReloadedKeys[KeySet], pairs: list[KeyPair], tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("no key")
    for files in ({"current": broken}, {"current": pairs[0].certificate, "next": broken}, {}):
        secret.update(**files)
        with capture_logs() as logs:
            keys.reload()
        assert [(line["event"], line["log_level"]) for line in logs] == [("keys_not_reloaded", "error")]
        assert kid(pairs[0]) in keys.current.kids
    secret.update(current=pairs[1].certificate)
    keys.reload()
    assert keys.current.kids == {kid(pairs[1])}


def test_a_directory_that_disappears_while_it_is_read_changes_nothing(
    secret: MountedSecret, keys: ReloadedKeys[KeySet], pairs: list[KeyPair]
) -> None:
    shutil.rmtree(secret.directory)
    keys.reload()
    assert kid(pairs[0]) in keys.current.kids


def test_keys_are_parsed_only_when_a_file_has_changed(secret: MountedSecret, pairs: list[KeyPair]) -> None:
    parsed: list[Any] = []

    def parse(files: Any) -> KeySet:
        parsed.append(files)
        return KeySet.from_files(files)

    keys = ReloadedKeys(partial(read_key_files, secret.directory), parse)
    keys.reload()
    secret.update(current=pairs[0].certificate)
    keys.reload()
    assert len(parsed) == 1


def test_the_first_key_set_must_be_valid(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="contains no"):
        ReloadedKeys(partial(read_key_files, tmp_path), KeySet.from_files)


def test_a_removed_key_ends_the_tokens_that_were_remembered(
    secret: MountedSecret, keys: ReloadedKeys[KeySet], pairs: list[KeyPair]
) -> None:
    app = build(keys)
    reload_in_background(app, keys)
    client, token = app.test_client(), sign(pairs[0])
    assert get(client, "/any", token).status_code == 200
    assert verified_tokens(app).find(f"Bearer {token}")
    secret.update(current=pairs[0].certificate, next=pairs[1].certificate)
    keys.reload()
    assert verified_tokens(app).find(f"Bearer {token}"), "no key was removed"
    secret.update(current=pairs[1].certificate)
    keys.reload()
    assert verified_tokens(app).find(f"Bearer {token}") is None
    assert get(client, "/any", token).status_code == 401
    assert app.extensions["servicekit"].background_tasks.keys() == {"keys"}
