"""The chart of write gaps: valid XML, one bar for each fault, and a logarithmic scale."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.e2e.mysql.write_gap_chart import Bar, render, x

SVG = "{http://www.w3.org/2000/svg}"
BARS = [Bar("calm & short", 0.2, 10), Bar("at the limit", 10, 10), Bar("over <10>", 60.1, 10)]


def bars_of(svg: str) -> list[ET.Element]:
    return [each for each in ET.fromstring(svg).iter(f"{SVG}rect") if "data-seconds" in each.attrib]  # noqa: S314  # our own


def end(bar: ET.Element) -> float:
    return float(bar.attrib["x"]) + float(bar.attrib["width"])


def test_there_is_one_bar_for_each_fault_and_it_ends_at_its_seconds() -> None:
    found = bars_of(render(BARS))
    assert [float(bar.attrib["data-seconds"]) for bar in found] == [0.2, 10, 60.1]
    assert [end(bar) for bar in found] == pytest.approx([x(0.2), x(10), x(60.1)])


def test_the_axis_is_logarithmic() -> None:
    assert x(10) - x(1) == pytest.approx(x(100) - x(10), abs=0.2)
    assert x(1) < x(3) < x(100)


@pytest.mark.parametrize(("beyond", "end"), [(0, 0.1), (float("inf"), 200)])
def test_what_is_beyond_the_axis_is_drawn_at_its_end(beyond: float, end: float) -> None:
    assert x(beyond) == x(end)


def test_a_gap_over_its_limit_has_another_colour() -> None:
    assert [bar.attrib["class"] for bar in bars_of(render(BARS))] == ["bar", "bar", "bar over"]


def test_title_and_description_are_there_for_screen_readers() -> None:
    root = ET.fromstring(render(BARS))  # noqa: S314  # our own
    assert root.attrib["aria-labelledby"] == "title desc"
    assert root.findtext(f"{SVG}title") == "Write gap of each MySQL fault: 2 of 3 within the limit"
    assert "over <10>: 60.1 s, limit 10 s" in (root.findtext(f"{SVG}desc") or "")


def test_the_chart_in_the_documentation_has_a_bar_for_each_row_of_the_table(repository: Path) -> None:
    lines = (repository / "docs/mysql-faults.md").read_text().splitlines()
    _headings, _rule, *rows = [line.split(" | ") for line in lines if line.startswith("| ")]
    found = bars_of((repository / "docs/img/mysql-faults.svg").read_text())
    assert [f"{float(bar.attrib['data-seconds']):.1f}" for bar in found] == [row[4].split()[0] for row in rows]
    assert rows
