"""The history of the fault tests: which rows count as lost, and which as unexpected."""

import pytest

from tests.e2e.mysql.history import History, Kind, Operation, Outcome, longest_gap, outcome_of_registration
from tests.e2e.mysql.members import Contents
from tests.e2e.mysql.workload import parse_log


def operation(key: str, outcome: Outcome, kind: Kind = "write") -> Operation:
    return Operation(kind, key, 0, 1, outcome)


def history(*operations: Operation) -> History:
    found = History()
    found.add(list(operations))
    return found


def contents(*keys: str, duplicates: tuple[str, ...] = ()) -> Contents:
    return Contents(frozenset(keys), frozenset(duplicates), {})


def test_an_acknowledged_row_missing_from_one_member_is_lost() -> None:
    found = history(operation("a", "ok"), operation("b", "ok"))
    assert found.lost([contents("a", "b"), contents("a")]) == {"b"}


@pytest.mark.parametrize("rows", [contents(), contents("a")])
def test_a_write_of_unknown_outcome_may_be_stored_or_not(rows: Contents) -> None:
    found = history(operation("a", "unknown"))
    assert not found.lost([rows])
    assert not found.unexpected([rows])


@pytest.mark.parametrize("key", ["failed", "never-written"])
def test_a_row_of_a_failed_write_or_of_none_is_unexpected(key: str) -> None:
    assert history(operation("failed", "failed")).unexpected([contents(key)]) == {key}


def test_a_phone_of_two_users_is_unexpected() -> None:
    found = history(operation("+6299", "ok", "register"))
    assert found.unexpected([contents("+6299", duplicates=("+6299",))]) == {"+6299"}


@pytest.mark.parametrize("first", ["failed", "unknown"])
def test_a_retry_that_is_acknowledged_counts(first: Outcome) -> None:
    found = history(operation("a", first, "register"), operation("a", "ok", "register"))
    assert not found.unexpected([contents("a")])
    assert found.lost([contents()]) == {"a"}


def test_reads_store_nothing() -> None:
    found = history(operation("a", "ok", "read"))
    assert not found.lost([contents()])
    assert found.unexpected([contents("a")]) == {"a"}


@pytest.mark.parametrize(
    ("status", "outcome"), [(201, "ok"), (422, "failed"), (409, "unknown"), (503, "unknown"), (504, "unknown")]
)
def test_the_outcome_of_a_registration(status: int, outcome: Outcome) -> None:
    assert outcome_of_registration(status) == outcome


def test_a_gap_can_be_before_the_first_time_and_after_the_last() -> None:
    assert longest_gap([3, 4], 0, 5) == 3
    assert longest_gap([1, 2], 0, 9) == 7
    assert longest_gap([], 0, 9) == 9


def test_the_log_of_the_sql_client_is_parsed() -> None:
    log = '["write", 3, 1.5, 1.6, "ok", ""]\n["read", 0, 2.0, 2.1, "ok", "mysql-1"]\n'
    assert parse_log(log, "ab") == [
        Operation("write", "ab/3", 1.5, 1.6, "ok", ""),
        Operation("read", "ab/0", 2.0, 2.1, "ok", "mysql-1"),
    ]


def test_a_traceback_in_the_log_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        parse_log("Traceback (most recent call last):\n", "ab")
