"""The port of the agent: the answers to probes and peers."""

from dataclasses import replace

import pytest

from efishery_mysql_agent.model import State, Status
from efishery_mysql_agent.server import StatusPublisher, application
from tests.unit.mysql_agent.conftest import online, outside

UNREADY = [
    (online("mysql-0"), False, "its labels or its accounts are not made yet"),
    (replace(online("mysql-0"), offline=True), True, "ONLINE"),
    (online("mysql-0", lost=("mysql-1", "mysql-2")), True, "waits for a majority"),
    (outside("mysql-0", state=State.RECOVERING), True, "RECOVERING"),
    (Status("mysql-0"), True, "DOWN"),
]


def ask(path: str, status: Status, *, initialized: bool, age: float = 0) -> tuple[int, str]:
    publisher = StatusPublisher("mysql-0")
    publisher.publish(status, "waits for a majority", initialized=initialized)
    publisher.snapshot = replace(publisher.snapshot, taken_at=publisher.snapshot.taken_at - age)
    answer = application(publisher).test_client().get(path)
    return answer.status_code, answer.get_data(as_text=True)


def test_a_member_that_clients_can_use_is_ready() -> None:
    assert ask("/readyz", online("mysql-0"), initialized=True)[0] == 200


@pytest.mark.parametrize(("status", "initialized", "reason"), UNREADY)
def test_an_unusable_member_is_not_ready_and_says_why(status: Status, initialized: bool, reason: str) -> None:
    code, body = ask("/readyz", status, initialized=initialized)
    assert code == 503
    assert reason in body


@pytest.mark.parametrize(("age", "code"), [(0, 200), (50, 200), (61, 503)])
def test_liveness_is_the_loops_and_not_the_members(age: float, code: int) -> None:
    assert ask("/healthz", Status("mysql-0"), initialized=False, age=age)[0] == code
