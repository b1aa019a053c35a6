"""A member that leaves hands the primary's role over, or lets the group elect."""

from pathlib import Path
from typing import Any, cast

import pymysql
import pytest

from efishery_mysql_agent.accounts import Accounts
from efishery_mysql_agent.actions import Leave
from efishery_mysql_agent.cluster import Cluster
from efishery_mysql_agent.execute import Executor
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.settings import AgentSettings
from efishery_mysql_agent.store import Store

# Of group_replication_set_as_primary, during an upgrade to another series: the last old member cannot hand over.
NOT_THE_LOWEST = pymysql.OperationalError(3910, "The appointed primary member is not the lowest version in the group.")


class Server:
    """A mysqld that records what it is asked, and refuses to hand over if it is told so."""

    def __init__(self, refusal: pymysql.MySQLError | None = None) -> None:
        self.statements: list[str] = []
        self.has_successor = True
        self._refusal = refusal

    def rows(self, statement: str, _values: object = ()) -> list[dict[str, Any]]:
        self.statements.append(statement)
        if self._refusal and "set_as_primary" in statement:
            raise self._refusal
        return [{"id": "uuid"}] if self.has_successor else []

    def run(self, *statements: str) -> None:
        self.statements += statements

    def set_global(self, **_variables: object) -> None:
        return


def leave(server: Server, folder: Path) -> None:
    settings = AgentSettings(pod="mysql-0", namespace="efishery")
    mysql, cluster, accounts = cast(Mysql, server), cast(Cluster, None), cast(Accounts, None)
    Executor(settings, mysql, cluster, Store(folder), accounts).execute(Leave("mysql-1"))


@pytest.mark.parametrize("refusal", [None, NOT_THE_LOWEST])
def test_it_leaves_whether_or_not_the_successor_takes_the_role(
    tmp_path: Path, refusal: pymysql.MySQLError | None
) -> None:
    server = Server(refusal)
    leave(server, tmp_path)
    handed_over, stopped = (
        next(index for index, statement in enumerate(server.statements) if word in statement)
        for word in ("set_as_primary", "STOP GROUP_REPLICATION")
    )
    assert handed_over < stopped


def test_it_leaves_when_the_successor_has_just_left(tmp_path: Path) -> None:
    server = Server()
    server.has_successor = False
    leave(server, tmp_path)
    assert server.statements[-1] == "STOP GROUP_REPLICATION"
