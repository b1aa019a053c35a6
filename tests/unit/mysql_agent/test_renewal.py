"""A generated certificate is renewed in three steps, and whoever is one step behind is still understood."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from efishery_mysql_agent.renewal import REQUESTED, STEP_AT, apply, next_step
from servicekit.create_secrets import TlsSpec
from servicekit.secret_api import SecretContent
from servicekit.secret_rotation import Due, Step

NAME, HOST = "mysql-tls", "mysql-primary"
TLS = TlsSpec(days=90, hosts=[HOST], addresses=["127.0.0.1"])
VALIDITY, WAIT = timedelta(days=90), timedelta(hours=12)
NOW = datetime.now(UTC)
STEPS = [Step.PUBLISH, Step.ACTIVATE, Step.RETIRE]


@pytest.fixture(scope="module")
def states() -> list[SecretContent]:
    """Return the Secret before a renewal, and after each of its steps."""
    found = [SecretContent(TLS.generate(NAME))]
    for step in STEPS:
        found.append(apply(found[-1], step, NOW, NAME, TLS))
    return found


def handshake(server: SecretContent, client: SecretContent, folder: Path) -> None:
    """Let a client that trusts its ca.crt connect to a server; raises ssl.SSLError where it refuses."""
    for name in ("tls.crt", "tls.key"):
        (folder / name).write_bytes(server.data[name])
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    connecting = ssl.create_default_context(cadata=client.data["ca.crt"].decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        connecting.wrap_bio(to_client, to_server, server_hostname=HOST),
        serving.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    for end in ends:
        end.do_handshake()  # raises SSLWantReadError unless it is complete


@pytest.mark.parametrize("step", range(len(STEPS)))
@pytest.mark.parametrize(("server", "client"), [(0, 1), (1, 0), (1, 1)])
def test_a_step_that_has_not_arrived_everywhere_breaks_no_connection(
    states: list[SecretContent], step: int, server: int, client: int, tmp_path: Path
) -> None:
    """The kubelets update the files within two minutes, each at another time."""
    handshake(states[step + server], states[step + client], tmp_path)


def test_two_steps_at_once_would_break_connections(states: list[SecretContent], tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(states[2], states[0], tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(states[0], states[3], tmp_path)


def test_a_renewal_leaves_one_new_certificate_with_one_new_authority(states: list[SecretContent]) -> None:
    before, after = states[0], states[-1]
    assert after.data.keys() == before.data.keys() == {"ca.crt", "tls.crt", "tls.key"}
    assert not set(before.data.values()) & set(after.data.values())
    assert [len(x509.load_pem_x509_certificates(state.data["ca.crt"])) for state in states] == [1, 2, 2, 1]
    assert not after.annotations


def test_an_authority_of_somebody_else_stays(states: list[SecretContent]) -> None:
    other = TLS.generate("other")["ca.crt"]
    content = replace(states[0], data={**states[0].data, "ca.crt": other + states[0].data["ca.crt"]})
    for step in STEPS:
        content = apply(content, step, NOW, NAME, TLS)
    found = x509.load_pem_x509_certificates(content.data["ca.crt"])
    assert len(found) == 2
    assert x509.load_pem_x509_certificate(other) in found


def test_each_step_waits(states: list[SecretContent]) -> None:
    for step, state in zip(STEPS[1:], states[1:], strict=False):
        due = next_step(state, NOW, VALIDITY, WAIT)
        assert due.step == step
        assert abs(due.at - (NOW + WAIT)) < timedelta(seconds=2)


@pytest.mark.parametrize("days", [90, 30, 3650])
def test_a_renewal_begins_when_a_third_of_the_time_is_left(days: int) -> None:
    """Of a certificate that an earlier version made for ten years, when it is as old as a new one is then."""
    made = SecretContent(TlsSpec(days=days, hosts=[HOST]).generate(NAME))
    due = next_step(made, NOW, VALIDITY, WAIT)
    assert due.step == Step.PUBLISH
    assert abs(due.at - (NOW + timedelta(days=min(60, days - 30)))) < timedelta(minutes=5)


def test_a_person_can_begin_one(states: list[SecretContent]) -> None:
    asked = replace(states[0], annotations={REQUESTED: "", "other": "stays"})
    assert next_step(asked, NOW, VALIDITY, WAIT) == Due(Step.PUBLISH, NOW)
    assert apply(asked, Step.PUBLISH, NOW, NAME, TLS).annotations.keys() == {STEP_AT, "other"}


@pytest.mark.parametrize("annotation", [None, "soon", "2999-01-01T00:00:00Z"])
def test_an_unknown_time_starts_the_wait_again(states: list[SecretContent], annotation: str | None) -> None:
    for state in states[1:3]:
        lost = replace(state, annotations={STEP_AT: annotation} if annotation else {})
        assert next_step(lost, NOW, VALIDITY, WAIT) == Due(Step.RESTART_WAIT, NOW)
        again = apply(lost, Step.RESTART_WAIT, NOW, NAME, TLS)
        assert again.data == state.data
        assert next_step(again, NOW, VALIDITY, WAIT).step in (Step.ACTIVATE, Step.RETIRE)


def test_a_certificate_of_an_unknown_authority_is_refused(states: list[SecretContent]) -> None:
    data = {**states[0].data, "ca.crt": TLS.generate("other")["ca.crt"]}
    with pytest.raises(ValueError, match=r"ca\.crt does not have the CA that signed tls\.crt"):
        apply(SecretContent(data), Step.PUBLISH, NOW, NAME, TLS)


@pytest.mark.parametrize("key", ["ca.crt", "tls.crt"])
def test_what_is_no_certificate_is_named(states: list[SecretContent], key: str) -> None:
    broken = SecretContent({**states[0].data, key: b"x"})
    with pytest.raises(ValueError, match=f"{key}: contains no certificate"):
        apply(broken, next_step(broken, NOW, VALIDITY, WAIT).step, NOW, NAME, TLS)
