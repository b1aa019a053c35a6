"""The rotation of the signing key: each step in its time, and no token refused for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import cycle

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given
from hypothesis import strategies as st

from efishery_auth import signing_secret
from efishery_auth.key_rotation import SYNC_MARGIN_SECONDS, KeyState, RotationSettings, next_step
from efishery_auth.keys import parse_signing_key
from efishery_auth.signing_secret import ACTIVATED_AT, PUBLISHED_AT, VALIDITY, apply, describe, state_of
from servicekit.certificates import common_name, new_rsa_key, self_signed
from servicekit.secret_api import SecretContent
from servicekit.secret_rotation import Due, Step
from servicekit.tokens import LEEWAY_SECONDS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = RotationSettings(timedelta(days=90), timedelta(seconds=3600), timedelta(seconds=900))
RETIRE_AFTER = timedelta(seconds=900 + LEEWAY_SECONDS + SYNC_MARGIN_SECONDS)
SECOND = timedelta(seconds=1)

NAME = common_name("efishery-auth")
NEW_KEYS = [new_rsa_key() for _ in range(4)]  # a new one takes a second
PAIRS = [(pair.certificate_pem, pair.key_pem) for pair in (self_signed(key, NAME, VALIDITY, NOW) for key in NEW_KEYS)]


@pytest.fixture(autouse=True, scope="module")
def keys_are_checked_once() -> Iterator[None]:
    """Loading a private key checks it, which takes 0.2 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing_secret, "parse_signing_key", cache(parse_signing_key))
        yield


@dataclass
class Rotation:
    """A Secret and a clock."""

    content: SecretContent = field(
        default_factory=lambda: SecretContent(dict(zip(("tls.crt", "tls.key"), PAIRS[0], strict=True)), {})
    )
    now: datetime = NOW
    new_key: Callable[[], RSAPrivateKey] = field(default_factory=lambda: cycle([*NEW_KEYS[1:], NEW_KEYS[0]]).__next__)

    def run(self, *, start_now: bool = False) -> Step | None:
        due = self.due(start_now=start_now)
        if due.at > self.now:
            return None
        self.content = apply(self.content, due.step, self.now, self.new_key)
        return due.step

    def due(self, *, start_now: bool = False) -> Due:
        return next_step(state_of(self.content), self.now, SETTINGS, start_now=start_now)

    def roles(self) -> dict[str, str]:
        return {key.role: key.kid for key in describe(self.content)}


def test_a_key_is_published_then_signs_then_the_former_is_removed() -> None:
    rotation = Rotation()
    former = rotation.roles()["signs"]
    rotation.now = NOW + timedelta(days=90) - SECOND
    assert rotation.run() is None
    rotation.now += SECOND
    assert rotation.run() is Step.PUBLISH
    new = rotation.roles()["published"]
    assert rotation.roles() == {"signs": former, "published": new}
    rotation.now += timedelta(seconds=3600) - SECOND
    assert rotation.run() is None
    rotation.now += SECOND
    assert rotation.run() is Step.ACTIVATE
    assert rotation.roles() == {"signs": new, "accepted": former}
    assert rotation.content.data.keys() == {"tls.crt", "tls.key", "previous.crt"}, "its private key is gone"
    rotation.now += RETIRE_AFTER - SECOND
    assert rotation.run() is None
    rotation.now += SECOND
    assert rotation.run() is Step.RETIRE
    assert rotation.roles() == {"signs": new}
    assert rotation.content.annotations == {}
    assert rotation.run() is None
    assert rotation.due() == Due(Step.PUBLISH, NOW + timedelta(days=180))


def test_a_rotation_can_be_asked_for_at_any_age_but_not_hurried() -> None:
    rotation = Rotation()
    assert rotation.run(start_now=True) is Step.PUBLISH
    published = rotation.content
    assert rotation.run(start_now=True) is None
    assert rotation.content == published


def test_a_new_key_is_like_the_first_one() -> None:
    rotation = Rotation()
    rotation.run(start_now=True)
    certificate = x509.load_pem_x509_certificate(rotation.content.data["next.crt"])
    assert certificate.subject == certificate.issuer == NAME
    assert certificate.not_valid_before_utc == NOW
    key = new_rsa_key()
    assert key.key_size == 2048


def test_all_else_in_the_secret_stays() -> None:
    rotation = Rotation()
    other = SecretContent({**rotation.content.data, "other": b"1"}, {"helm.sh/resource-policy": "keep"})
    rotation.content = other
    for _ in range(3):
        rotation.run(start_now=True)
        rotation.now += timedelta(days=1)
    assert rotation.content.data["other"] == b"1"
    assert rotation.content.annotations == {"helm.sh/resource-policy": "keep"}


@pytest.mark.parametrize("time", [None, "", "soon", "2026-13-01T00:00:00Z", "2026-01-01T00:00:01Z"])
@pytest.mark.parametrize("annotation", [PUBLISHED_AT, ACTIVATED_AT])
def test_an_unknown_time_of_the_last_step_starts_the_wait(annotation: str, time: str | None) -> None:
    rotation = Rotation()
    if annotation == PUBLISHED_AT:
        more, wait, step = dict(zip(("next.crt", "next.key"), PAIRS[1], strict=True)), 3600 * SECOND, Step.ACTIVATE
    else:
        more, wait, step = {"previous.crt": PAIRS[1][0]}, RETIRE_AFTER, Step.RETIRE
    annotations = {} if time is None else {annotation: time}
    rotation.content = SecretContent({**rotation.content.data, **more}, annotations)
    assert rotation.run() is Step.RESTART_WAIT
    assert rotation.due() == Due(step, NOW + wait)


@pytest.mark.parametrize(
    ("removed", "added", "message"),
    [
        ("tls.crt", {}, "tls.crt is missing"),
        ("tls.key", {}, "tls.key is missing"),
        ("", {"next.crt": PAIRS[1][0]}, "next.key is missing"),
        ("", {"next.key": PAIRS[1][1]}, "next.crt is missing"),
        ("", {"next.crt": PAIRS[1][0], "next.key": PAIRS[2][1]}, "next.crt is not the certificate of next.key"),
        ("", {"tls.crt": b"x"}, "tls.crt: contains no certificate"),
        ("", {"tls.key": b"x"}, "tls.key: no unencrypted private key"),
    ],
)
def test_a_secret_that_is_wrong_is_refused_by_name(removed: str, added: dict[str, bytes], message: str) -> None:
    data = {key: value for key, value in Rotation().content.data.items() if key != removed}
    with pytest.raises(ValueError, match=message):
        state_of(SecretContent({**data, **added}, {}))


def test_the_error_shows_no_private_key() -> None:
    data = {**Rotation().content.data, "tls.key": PAIRS[0][1][:-60]}
    with pytest.raises(ValueError, match=r"tls\.key") as error:
        state_of(SecretContent(data, {}))
    assert data["tls.key"].splitlines()[1].decode() not in str(error.value)


TIMES = st.one_of(st.none(), st.integers(-10_000_000, 10_000_000).map(lambda seconds: NOW + timedelta(seconds=seconds)))
STATES = st.builds(KeyState, st.just(NOW), st.booleans(), TIMES, st.booleans(), TIMES)


@given(STATES, st.booleans())
def test_every_state_has_one_next_step_and_a_wait_is_never_shortened(state: KeyState, start_now: bool) -> None:
    due = next_step(state, NOW, SETTINGS, start_now=start_now)
    if due.step is Step.ACTIVATE:
        assert state.has_next
        assert not state.has_previous
        assert state.published_at is not None
        assert due.at == state.published_at + SETTINGS.publish_for
    if due.step is Step.RETIRE:
        assert state.activated_at is not None
        assert due.at == state.activated_at + RETIRE_AFTER
    if due.step is Step.PUBLISH:
        assert not state.has_next
        assert not state.has_previous
    # Without a change the same step is found again: a run that failed is repeated by the next.
    assert next_step(replace(state), due.at if due.step is not Step.RESTART_WAIT else NOW, SETTINGS).step is due.step


def contents(
    has_next: bool, has_previous: bool, published: datetime | None, activated: datetime | None
) -> SecretContent:
    data = dict(zip(("tls.crt", "tls.key"), PAIRS[0], strict=True))
    if has_next:
        data |= dict(zip(("next.crt", "next.key"), PAIRS[1], strict=True))
    if has_previous:
        data["previous.crt"] = PAIRS[2][0]
    times = {PUBLISHED_AT: published, ACTIVATED_AT: activated}
    return SecretContent(data, {name: time.isoformat() for name, time in times.items() if time})


RUNS = st.lists(st.tuples(st.integers(0, 5000).map(lambda s: timedelta(seconds=s)), st.booleans()), max_size=25)


@given(st.builds(contents, st.booleans(), st.booleans(), TIMES, TIMES), RUNS)
def test_from_any_state_no_key_signs_too_early_and_none_is_dropped_too_early(
    content: SecretContent, runs: list[tuple[timedelta, bool]]
) -> None:
    # What the annotations say of the time before the first run is true, or unknown.
    state = state_of(content)
    rotation = Rotation(content, NOW)
    published_at = {"published": state.published_at if state.published_at and state.published_at <= NOW else NOW}
    known: dict[str, datetime] = {}  # since when a key is published
    signed_until: dict[str, datetime] = {}  # when a key may have signed the last time
    for role, kid in rotation.roles().items():
        known[kid] = published_at.get(role, datetime.min.replace(tzinfo=UTC))
        if role == "accepted":
            signed_until[kid] = state.activated_at if state.activated_at and state.activated_at <= NOW else NOW
    for wait, start_now in runs:
        rotation.now += wait
        before = rotation.roles()
        rotation.run(start_now=start_now)
        after = rotation.roles()
        for kid in set(after.values()) - set(before.values()):
            known[kid] = rotation.now
        if after["signs"] != before["signs"]:
            assert rotation.now - known[after["signs"]] >= SETTINGS.publish_for
            signed_until[before["signs"]] = rotation.now
        for kid in set(before.values()) - set(after.values()):
            assert rotation.now - signed_until[kid] >= RETIRE_AFTER
