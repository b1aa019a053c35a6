"""The status that agents exchange."""

from dataclasses import replace

from efishery_mysql_agent import wire
from efishery_mysql_agent.model import View
from tests.unit.mysql_agent.conftest import PODS, online

FIRST_VERSION = {
    "pod",
    "state",
    "role",
    "members",
    "view_id",
    "quorum",
    "gtid_executed",
    "writable",
    "offline_mode",
    "lag_transactions",
    "queue_transactions",
    "group",
    "last_view",
}


def test_a_status_survives_the_wire() -> None:
    status = replace(online("mysql-0"), lag=3, queue=4)
    assert wire.load(wire.dump(status)) == status


def test_a_status_of_the_first_version_is_read() -> None:
    status = replace(online("mysql-0"), epoch=0, last_view=View("100:3", PODS))
    old = {key: value for key, value in wire.dump(status).items() if key in FIRST_VERSION}
    assert old.keys() == FIRST_VERSION
    assert wire.load(old) == status
    assert wire.load({**old, "last_view": {"id": "100:3", "members": list(PODS)}, "added_later": 1}) == status
