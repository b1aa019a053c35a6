"""The results of the fault tests: which checks fail, and the page that is written."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.mysql.limits import Limits
from tests.e2e.mysql.results import Report, Result

PASSED = Result(
    fault="none",
    limits=Limits(write_gap=10),
    acknowledged=100,
    lost=0,
    unexpected=0,
    write_gap=1,
    read_gap=1,
    recovery=5,
    writable=1,
    accepting_seconds=0,
    consistent=True,
    readers=frozenset(),
)


def test_a_result_within_its_limits_passes() -> None:
    assert PASSED.problems() == []
    assert PASSED.cells()[-1] == "yes"


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ({"acknowledged": 0}, "no write was acknowledged"),
        ({"lost": 1}, "1 acknowledged writes are lost"),
        ({"unexpected": 2}, "2 rows are unexpected"),
        ({"writable": 2}, "2 members committed writes at the same time"),
        ({"write_gap": 10.5}, "write gap 10.5 s, limit 10 s"),
        ({"read_gap": 2.5}, "read gap 2.5 s, limit 2 s"),
        ({"recovery": None}, "not recovered 240 s after the fault"),
        ({"consistent": False}, "GTID sets or tables differ between members"),
    ],
)
def test_each_check_can_fail(broken: dict[str, float | None], problem: str) -> None:
    assert replace(PASSED, **broken).problems() == [problem]  # type: ignore[arg-type]  # of one kind in each case


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page of one result and one note."""
    report = Report(lambda _: None)
    report.add(PASSED)
    report.note("Something else.")
    report.write(tmp_path / "page.md", "2026-01-01", "a node")
    return tmp_path / "page.md"


def test_the_page_has_the_table_and_the_notes(page: Path) -> None:
    rows = "| none | 100 | 0 | 0 | 1.0 (10) | 1.0 (2) | 5 (240) | 1 | yes | yes |\n\n- Something else."
    assert rows in page.read_text()


def test_the_page_shows_the_chart_beside_it(page: Path) -> None:
    assert "](img/mysql-faults.svg)" in page.read_text()
    assert "none: 1.0 s, limit 10 s" in (page.parent / "img/mysql-faults.svg").read_text()


def test_a_result_is_printed_at_once() -> None:
    printed: list[str] = []
    Report(printed.append).add(PASSED)
    assert "Lost 0" in printed[0]
