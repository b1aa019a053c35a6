"""What can run out: the room on the volume and the time of the certificate."""

import shutil
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import cast

import pymysql
import pytest
from prometheus_client import REGISTRY

from efishery_mysql_agent import metrics
from efishery_mysql_agent.certificate import CertificateCheck, parse
from efishery_mysql_agent.mysql import Mysql, Row

NOT_AFTER = "mysql_member_certificate_not_after_timestamp_seconds"


class Server:
    """A mysqld that answers with these rows, or with an error."""

    def __init__(self, *answers: list[Row] | pymysql.MySQLError) -> None:
        self.answers = list(answers)

    def rows(self, _statement: str) -> list[Row]:
        answer = self.answers.pop(0)
        if isinstance(answer, pymysql.MySQLError):
            raise answer
        return answer


def value(name: str) -> float:
    found = REGISTRY.get_sample_value(name)
    assert found is not None
    return found


def check(server: Server) -> CertificateCheck:
    return CertificateCheck(cast(Mysql, server))


@pytest.mark.parametrize(("text", "day"), [("Nov 23 20:01:02 2036 GMT", 23), ("Nov  3 20:01:02 2036 GMT", 3)])
def test_openssls_form_of_a_time(text: str, day: int) -> None:
    assert parse(text) == datetime(2036, 11, day, 20, 1, 2, tzinfo=UTC)


def test_the_time_is_read_once_a_minute() -> None:
    server = Server([{"not_after": "Nov  3 20:00:00 2036 GMT"}])
    checked = check(server)
    for _ in range(2):
        checked.run()
    assert value(NOT_AFTER) == datetime(2036, 11, 3, 20, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("answer", [[], [{"not_after": ""}], pymysql.OperationalError(2013, "lost")])
def test_an_unknown_time_is_not_a_number(answer: list[Row] | pymysql.MySQLError) -> None:
    check(Server(answer)).run()
    assert isnan(value(NOT_AFTER))


def test_the_volume_is_measured_at_each_scrape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics.measure_volume(tmp_path)
    for free in (3, 2):
        usage = (10, 10 - free, free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, usage=usage: shutil._ntuple_diskusage(*usage))
        assert value("mysql_member_volume_size_bytes") == 10
        assert value("mysql_member_volume_available_bytes") == free
