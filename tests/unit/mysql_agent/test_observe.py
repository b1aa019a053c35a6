"""What one observation says of mysqld: its answer, that it does not run, or nothing."""

from typing import cast

import pymysql
import pytest
from pymysql.constants import CR

from efishery_mysql_agent.model import Member, Role, State, Status
from efishery_mysql_agent.mysql import Mysql, Row
from efishery_mysql_agent.observe import observe


def observed(error: pymysql.MySQLError) -> Status | None:
    class Server:
        def rows(self, _statement: str) -> list[Row]:
            raise error

    return observe(cast(Mysql, Server()), "mysql-0")


def cannot_connect(reason: OSError) -> pymysql.MySQLError:
    error = pymysql.OperationalError(CR.CR_CONN_HOST_ERROR, "Can't connect")
    error.original_exception = reason  # type: ignore[attr-defined]  # as pymysql does
    return error


@pytest.mark.parametrize("reason", [ConnectionRefusedError(), FileNotFoundError()])
def test_a_socket_on_which_nobody_listens_is_a_mysqld_that_is_down(reason: OSError) -> None:
    assert observed(cannot_connect(reason)) == Status("mysql-0")


def test_a_mysqld_without_the_agents_account_is_down() -> None:
    assert observed(pymysql.OperationalError(1698, "Access denied")) == Status("mysql-0")


@pytest.mark.parametrize(
    "error",
    [
        pymysql.OperationalError(CR.CR_SERVER_LOST, "timed out"),
        cannot_connect(TimeoutError()),
        pymysql.OperationalError(1040, "Too many connections"),
    ],
)
def test_no_answer_says_nothing_of_the_member(error: pymysql.MySQLError) -> None:
    assert observed(error) is None


def test_executed_and_received_transactions_are_one_set_and_the_queue_was_read_before() -> None:
    asked: list[str] = []

    class Server:
        def rows(self, statement: str) -> list[Row]:
            asked.append("queue" if "queue" in statement else "gtids")
            if asked[-1] == "queue":
                return []
            return [{"uuid": "u", "read_only": 1, "offline": 0, "gtids": "a:1-3,\nb:1"}]

    status = observe(cast(Mysql, Server()), "mysql-0")
    assert status
    assert status.gtids == "a:1-3,b:1"
    assert asked == ["queue", "gtids"], "what has left the queue is among the GTIDs"


def test_the_group_is_shown_as_mysqld_shows_it() -> None:
    def row(number: int, state: str, role: str) -> Row:
        host = f"mysql-{number}.mysql.db.svc"
        return {"id": f"u{number}", "host": host, "state": state, "role": role, "view_id": "100:3", "queue": number,
                "behind": 10 * number}  # fmt: skip

    class Server:
        def rows(self, statement: str) -> list[Row]:
            if "queue" in statement:
                return [row(0, "ONLINE", "PRIMARY"), row(1, "RECOVERING", "SECONDARY"), row(2, "UNREACHABLE", "")]
            return [{"uuid": "u1", "read_only": 0, "offline": 1, "gtids": "a:1-3"}]

    assert observe(cast(Mysql, Server()), "mysql-1") == Status(
        pod="mysql-1",
        state=State.RECOVERING,
        role=Role.REPLICA,
        members=(
            Member("mysql-0", State.ONLINE, Role.PRIMARY),
            Member("mysql-1", State.RECOVERING, Role.REPLICA),
            Member("mysql-2", State.UNREACHABLE),
        ),
        view_id="100:3",
        gtids="a:1-3",
        writable=False,
        offline=True,
        lag=10,
        queue=1,
    )
