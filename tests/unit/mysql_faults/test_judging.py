"""What the fault tests conclude from what they saw: the part of them that needs no cluster."""

from dataclasses import replace

import pytest

from tests.e2e.mysql.ledger import Attempt, Books, longest_gap, outcome
from tests.e2e.mysql.members import Contents
from tests.e2e.mysql.report import Limits, Report, Verdict
from tests.e2e.mysql.sampler import Sample, at_once, spans

HELD = Verdict(
    fault="none",
    limits=Limits(write_gap=10),
    acknowledged=100,
    lost=0,
    unexpected=0,
    write_gap=1,
    read_gap=1,
    well_after=5,
    writable=1,
    open_together=0,
    equal=True,
    readers=frozenset(),
)


def samples(member: str, *moments: float, yes: bool = True) -> list[Sample]:
    return [Sample(member, moment, moment + 0.1, yes) for moment in moments]


def books(**outcomes: str) -> Books:
    found = Books()
    found.enter([Attempt("w", key, 0, 1, told) for key, told in outcomes.items()])
    return found


def contents(*keys: str) -> Contents:
    return Contents(frozenset(keys), {}, ())


def test_a_row_missing_from_one_member_is_lost() -> None:
    assert books(a="ok", b="ok").lost([contents("a", "b"), contents("a")]) == {"b"}


@pytest.mark.parametrize("rows", [contents(), contents("a")])
def test_a_write_of_unknown_outcome_may_be_there_or_not(rows: Contents) -> None:
    ledger = books(a="unknown")
    assert not ledger.lost([rows])
    assert not ledger.unexpected([rows])


@pytest.mark.parametrize("key", ["refused", "nobodys"])
def test_a_row_that_was_refused_or_that_nobody_wrote_is_unexpected(key: str) -> None:
    assert books(refused="refused").unexpected([contents(key)]) == {key}


def test_reads_are_no_rows() -> None:
    ledger = Books()
    ledger.enter([Attempt("r", "a", 0, 1, "ok")])
    assert not ledger.acknowledged


@pytest.mark.parametrize(
    ("status", "meaning"), [(201, "ok"), (422, "refused"), (409, "unknown"), (503, "unknown"), (504, "unknown")]
)
def test_what_a_status_says_of_the_row(status: int, meaning: str) -> None:
    assert outcome(status) == meaning


def test_a_gap_may_be_before_the_first_and_after_the_last() -> None:
    assert longest_gap([3, 4], 0, 5) == 3
    assert longest_gap([1, 2], 0, 9) == 7
    assert longest_gap([], 0, 9) == 9


def test_two_that_follow_each_other_are_not_at_once() -> None:
    assert at_once(samples("a", 1, 2, 3) + samples("b", 4, 5)) == (1, 0)


def test_two_that_overlap_are_at_once() -> None:
    most, together = at_once(samples("a", 1, 2, 3) + samples("b", 2, 3, 4))
    assert most == 2
    assert together == pytest.approx(0.9)


def test_a_no_ends_a_span() -> None:
    found = samples("a", 1, 2) + samples("a", 3, yes=False) + samples("a", 6, 7) + samples("b", 4, 5)
    assert spans(found)["a"] == [(1.1, 2), (6.1, 7)]
    assert at_once(found)[0] == 1


def test_a_fault_that_kept_every_promise_held() -> None:
    assert HELD.problems() == []
    assert HELD.cells()[-1] == "yes"


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ({"acknowledged": 0}, "nothing was acknowledged"),
        ({"lost": 1}, "1 acknowledged writes are lost"),
        ({"unexpected": 2}, "2 writes are there that should not"),
        ({"writable": 2}, "2 members took writes at once"),
        ({"write_gap": 10.5}, "no write for 10.5 s, not 10"),
        ({"read_gap": 2.5}, "no read for 2.5 s"),
        ({"well_after": None}, "not well 240 s after the fault"),
        ({"equal": False}, "GTID sets or tables differ between members"),
    ],
)
def test_each_promise_is_checked(broken: dict[str, float | None], problem: str) -> None:
    assert replace(HELD, **broken).problems() == [problem]  # type: ignore[arg-type]  # of one kind in each case


def test_the_table_says_all(tmp_path_factory: pytest.TempPathFactory) -> None:
    printed: list[str] = []
    report = Report(printed.append)
    report.add(HELD)
    report.remark("Something else.")
    table = tmp_path_factory.mktemp("docs") / "table.md"
    report.write(table, "2026-01-01", "a node")
    assert (
        "| none | 100 | 0 | 0 | 1.0 (10) | 1.0 (2) | 5 (240) | 1 | yes | yes |\n\n- Something else."
        in table.read_text()
    )
    assert "Lost 0" in printed[0]
