"""What outlives a run."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from efishery_run.errors import LaunchError
from efishery_run.state import State, held


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "state")
    state.prepare()
    return state


def test_the_keys_are_a_pair_and_stay(state: State) -> None:
    private = state.signing_key.read_bytes()
    public = (state.verification_keys / "current.pem").read_bytes()
    key = serialization.load_pem_private_key(private, password=None)
    assert public == key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    state.prepare()
    assert state.signing_key.read_bytes() == private


def test_nothing_private_lies_beside_the_public_key(state: State) -> None:
    assert [path.name for path in state.verification_keys.iterdir()] == ["current.pem"]


def test_secrets_are_for_their_owner_alone(state: State) -> None:
    state.admin_password()
    modes = [path.stat().st_mode & 0o777 for path in (state.signing_key, state.root / "admin-password")]
    assert modes == [0o600, 0o600]


def test_a_secret_is_written_whole_or_not_at_all(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(path: Path, content: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", cut)
        with pytest.raises(KeyboardInterrupt):
            state.admin_password()
    assert len(state.admin_password()) >= 20


def test_the_admins_password_stays(state: State) -> None:
    assert state.admin_password() == state.admin_password()
    assert len(state.admin_password()) >= 20


def test_each_run_begins_new_logs(state: State) -> None:
    (state.logs / "auth.log").write_text("old")
    state.prepare()
    assert list(state.logs.iterdir()) == []


def test_a_second_run_is_refused(state: State) -> None:
    with held(state), pytest.raises(LaunchError, match=r"in use by another run.*--state-dir"), held(state):
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LaunchError, match="cannot be written"), held(State(tmp_path / "file" / "state")):
        pass
