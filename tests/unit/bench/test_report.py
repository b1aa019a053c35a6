"""The page and its chart."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.chart import x
from bench.content import Content
from bench.context import Options
from bench.report import NOT_MEASURED, Report, Section
from tests.unit.bench.support import LOGINS, RESULTS

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def made() -> Report:
    options = Options(rates={219: 1000}, rounds=3, seconds=3, limit_seconds=60)
    content = Content(b"x" * 46_000, b"x" * 11_000, rows=190)
    return Report(options, RESULTS, {219: content}, {"CPU": "a & b"}, "2026-01-31")


def test_the_fastest_target_is_first_and_each_has_its_ratio(made: Report) -> None:
    lines = [
        line for line in made.tables().splitlines() if line.startswith(("| nginx", "| Go", "| **this", "| FastAPI"))
    ]
    assert [line.split(" | ")[0].strip("| *") for line in lines] == [
        "nginx, static file",
        "Go, token memo",
        "this service",
        "FastAPI, recomputing",
    ]
    assert lines[1].split(" | ")[1:6] == [
        "30,000 (22,000–40,000)",
        "0.70 (0.50–1.00)",
        "0.14 (0.12–0.15)",
        "0.28 (0.25–0.30)",
        "0.55 (0.50–0.60)",
    ]
    assert lines[3].split(" | ")[2:6] == ["100 (100–100)", "–", "–", "–"]


def test_goals_are_judged_and_what_is_missing_is_not(made: Report) -> None:
    rows = [line.strip("| ").split(" | ") for line in made.page().splitlines() if line.startswith("| list, requests/s")]
    verdicts = {row[0].partition(" / ")[2]: row[4] for row in rows}
    assert verdicts["Go, token memo"] == "yes"
    assert verdicts["FastAPI, cached"] == "–"


def test_logins_have_a_section_with_goals(made: Report) -> None:
    section = replace(made, results=LOGINS, served={}).logins()
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| l")]
    by_name = {row[0]: row[1:] for row in rows}
    values = ["25.00 (20.00–27.00)", "argon2id loop", "25.00 (25.00–30.00)", "0.90 (0.80–1.00)"]
    assert by_name["login, chosen password: requests/s"] == [*values, "≥ 0.9", "yes", "100%", "50%"]
    assert by_name["login, generated password: requests/s"][5] == "no"
    assert by_name["list, login flood: p99 ms"][1] == "list, no logins"
    assert by_name["list, login flood: p99 ms"][3:6] == ["2.75 (1.50–4.00)", "≤ 2", "no"]
    assert "200 to\n21.0 (20.0–22.0) logins a second, and 503 to 250 (200–300)." in section


def test_a_part_that_is_measured_alone_leaves_the_others(made: Report, tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    (tmp_path / "img").mkdir()
    made.write(page)
    listed = page.read_text()
    replace(made, results=LOGINS, served={}).write(page)
    logins = Section.LOGINS.of(page.read_text())
    assert "2.75 (1.50–4.00)" in logins
    assert Section.LOGINS.replaced(page.read_text(), NOT_MEASURED[Section.LOGINS]) == listed
    made.write(page)
    assert Section.LOGINS.of(page.read_text()) == logins


def test_every_name_in_the_template_is_replaced(made: Report) -> None:
    page = made.page()
    assert "@" not in page.replace("@ http", "")
    assert "2026-01-31" in page
    assert "| CPU | a & b |" in page


def test_a_run_keeps_what_the_mesh_run_has_written(made: Report, tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    (tmp_path / "img").mkdir()
    made.write(page)
    assert Section.MESH.of(page.read_text()) == NOT_MEASURED[Section.MESH]
    page.write_text(Section.MESH.replaced(page.read_text(), "added: 1 ms\n"))
    made.write(page)
    assert Section.MESH.of(page.read_text()) == "added: 1 ms\n"


@pytest.mark.parametrize("page", ["", *Section.MESH.marks])
def test_a_page_without_the_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="missing"):
        Section.MESH.of(page)


def test_the_chart_has_a_bar_for_each_target_that_ends_at_its_throughput(made: Report) -> None:
    root = ET.fromstring(made.chart())  # noqa: S314  # our own
    bars = [each for each in root.iter(f"{SVG}rect") if "data-throughput" in each.attrib]
    assert [float(bar.attrib["data-throughput"]) for bar in bars] == [42_000, 30_000, 21_000, 210]
    ends = [float(bar.attrib["x"]) + float(bar.attrib["width"]) for bar in bars]
    assert ends == pytest.approx([x(42_000), x(30_000), x(21_000), x(210)], abs=0.1)
    assert [bar.attrib["class"] for bar in bars] == ["bar", "bar", "bar ours", "bar"]
    assert "this service 21,000" in (root.findtext(f"{SVG}desc") or "")


def test_the_axis_is_logarithmic_and_has_ends() -> None:
    assert x(100) - x(10) == pytest.approx(x(10_000) - x(1_000), abs=0.2)
    assert (x(0), x(1e9)) == (x(1), x(100_000))
