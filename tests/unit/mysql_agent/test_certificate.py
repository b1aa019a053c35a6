"""mysqld reloads a certificate that changed, and the metric says when the served one expires."""

from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import cast

import pymysql
import pytest
from prometheus_client import REGISTRY

from efishery_mysql_agent.certificate import Certificate, parse
from efishery_mysql_agent.mysql import Mysql, Row

END = [{"not_after": "Nov  3 20:00:00 2036 GMT"}]


class Server:
    """A mysqld that answers with these rows, or with an error, and counts its reloads; `fails` of them fail."""

    def __init__(self, answer: list[Row] | pymysql.MySQLError | None = None, *, fails: int = 0) -> None:
        self.answer, self.fails = END if answer is None else answer, fails
        self.asked = self.reloads = 0

    def rows(self, _statement: str) -> list[Row]:
        self.asked += 1
        if isinstance(self.answer, pymysql.MySQLError):
            raise self.answer
        return self.answer

    def run(self, statement: str) -> None:
        assert statement == "ALTER INSTANCE RELOAD TLS"
        if self.fails:
            self.fails -= 1
            raise pymysql.OperationalError(3888, "Failed to set up SSL because of the following SSL library error")
        self.reloads += 1


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A volume of a Secret as the kubelet writes it: the files are links through `..data`, which is replaced."""
    for name in ("ca.crt", "tls.crt"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    write(tmp_path, "first")
    return tmp_path


def write(secret: Path, certificate: str, ca: str = "ca") -> None:
    folder = secret / f"..{certificate}-{ca}"
    folder.mkdir()
    (folder / "ca.crt").write_text(ca)
    (folder / "tls.crt").write_text(certificate)
    new = secret / "..data_tmp"
    new.symlink_to(folder.name)
    new.replace(secret / "..data")


@pytest.fixture
def every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("efishery_mysql_agent.certificate.CHECK_SECONDS", -1)


def reloads(certificate: Certificate, server: Server, checks: int) -> int:
    before = server.reloads
    for _ in range(checks):
        certificate.run()
    return server.reloads - before


def expiry() -> float:
    found = REGISTRY.get_sample_value("mysql_member_certificate_not_after_timestamp_seconds")
    assert found is not None
    return found


def failures() -> float:
    labels = {"action": "ReloadCertificate", "result": "failed"}
    return REGISTRY.get_sample_value("mysql_agent_actions_total", labels) or 0


@pytest.mark.usefixtures("every_round")
def test_a_change_of_certificate_or_ca_is_reloaded_and_again_when_mysqlds_volume_must_have_it(secret: Path) -> None:
    server = Server()
    certificate = Certificate(cast(Mysql, server), secret)
    assert reloads(certificate, server, 5) == 2, "the agent may have started after a change"
    write(secret, "second")
    assert reloads(certificate, server, 5) == 2
    write(secret, "second", "another ca")
    assert reloads(certificate, server, 5) == 2


@pytest.mark.usefixtures("every_round")
def test_a_reload_that_fails_is_counted_and_tried_again(secret: Path) -> None:
    server, before = Server(fails=3), failures()
    assert reloads(Certificate(cast(Mysql, server), secret), server, 8) == 2
    assert failures() - before == 3
    assert expiry() == datetime(2036, 11, 3, 20, tzinfo=UTC).timestamp(), "the metric is of what is served"


def test_nothing_is_read_between_two_checks(secret: Path) -> None:
    server = Server()
    assert reloads(Certificate(cast(Mysql, server), secret), server, 3) == 1
    assert server.asked == 1


@pytest.mark.parametrize(("text", "day"), [("Nov 23 20:01:02 2036 GMT", 23), ("Nov  3 20:01:02 2036 GMT", 3)])
def test_openssls_form_of_a_time(text: str, day: int) -> None:
    assert parse(text) == datetime(2036, 11, day, 20, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("answer", [[], [{"not_after": ""}], pymysql.OperationalError(2013, "lost")])
def test_an_unknown_time_is_not_a_number(secret: Path, answer: list[Row] | pymysql.MySQLError) -> None:
    Certificate(cast(Mysql, Server(answer)), secret).run()
    assert isnan(expiry())
