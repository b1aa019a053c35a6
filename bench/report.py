"""Writes docs/performance.md and its chart from the results."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bench.chart import Bar, Panel, render
from bench.content import Content
from bench.context import Options
from bench.load import CONNECTIONS, MOST_CONNECTIONS
from bench.logins import CONNECTIONS as LOGIN_CONNECTIONS
from bench.logins import FLOOD_CONNECTIONS, LIST_RATE, USERS
from bench.results import LOGIN_ROWS, Results
from bench.run import HEADROOM
from bench.scenarios import PRICE_LIST
from bench.statistics import summarize
from bench.tables import flood_rates, goals_table, logins_table, requests_table, table, targets_table
from bench.targets import SERVICE
from efishery_run.cli import REPOSITORY

PAGE: Final = REPOSITORY / "docs" / "performance.md"
CHART: Final = "img/performance.svg"
TEMPLATE: Final = Path(__file__).with_name("performance.md.in")


class Section(StrEnum):
    """A part of the page that is measured alone; the value is in the marks around it."""

    LOGINS = "make bench, logins"
    MESH = "make bench-mesh"

    @property
    def marks(self) -> tuple[str, str]:
        """Return the lines before and after it."""
        return f"<!-- begin: {self} -->\n", f"<!-- end: {self} -->\n"

    def of(self, page: str) -> str:
        """Return the text between the marks; raises ValueError without them."""
        begin, end = self.marks
        _before, found_begin, rest = page.partition(begin)
        text, found_end, _after = rest.partition(end)
        if not found_begin or not found_end:
            raise ValueError(f"docs/performance.md: the lines {begin.strip()} and {end.strip()} are missing")
        return text

    def replaced(self, page: str, text: str) -> str:
        """Return the page with another text between the marks; raises ValueError without them."""
        begin, end = self.marks
        return page.replace(begin + self.of(page) + end, begin + text + end)


NOT_MEASURED: Final = {
    Section.LOGINS: "Not measured yet: `make bench` measures it.\n",
    Section.MESH: "Not measured yet: `make bench-mesh` measures it on the cluster of the current kubectl context.\n",
}


@dataclass(frozen=True)
class Report:
    """All that the page is made of. `served` has the content by the number of rows of the upstream list."""

    options: Options
    results: Results
    served: Mapping[int, Content]
    facts: Mapping[str, str]
    date: str

    def tables(self) -> str:
        """Return the tables of all lengths of the list."""
        return "\n".join(self._tables(rows) for rows in self.served)

    def page(self) -> str:
        """Return the page; its sections have no figures yet."""
        values = {
            "date": self.date,
            "chart": CHART,
            "goals": goals_table(self.results),
            "tables": self.tables(),
            **{section.name.lower(): text.join(section.marks) for section, text in NOT_MEASURED.items()},
            "facts": table(["Of the machine", ""], [[name, value] for name, value in self.facts.items()]),
            "rounds": str(self.options.rounds),
            "seconds": f"{self.options.seconds:g}",
            "connections": str(CONNECTIONS),
            "most_connections": str(MOST_CONNECTIONS),
            "headroom": f"{HEADROOM:g}",
            "users": str(USERS),
            "login_connections": str(LOGIN_CONNECTIONS),
            "flood_connections": str(FLOOD_CONNECTIONS),
            "list_rate": f"{LIST_RATE:,}",
        }
        text = TEMPLATE.read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        return text

    def chart(self) -> str:
        """Return the chart as SVG."""
        return render([Panel(self._heading(rows), self._bars(rows)) for rows in self.served])

    def write(self, page: Path = PAGE) -> None:
        """Write page and chart; sections that were not measured stay as they are. Raises ValueError without marks."""
        before = page.read_text() if page.exists() else self.page()
        after = self.page() if self.served else before
        for section in Section:
            after = section.replaced(after, section.of(before))
        if logins := self.logins():
            after = Section.LOGINS.replaced(after, logins)
        page.write_text(after)
        if self.served:
            (page.parent / CHART).write_text(self.chart())

    def logins(self) -> str:
        """Return the section of logins; empty if they were not measured."""
        measured = logins_table(self.results)
        if not measured:
            return ""
        rates = flood_rates(self.results)
        return (
            f"On {self.date}, {self.options.rounds} rounds. The list has {LOGIN_ROWS:,} rows and is requested\n"
            f"{LIST_RATE:,} times a second. During the flood, auth answered 200 to\n"
            f"{rates[200]} logins a second, and 503 to {rates[503]}.\n\n{measured}"
        )

    def _tables(self, rows: int) -> str:
        return (
            f"### {self._heading(rows)}\n"
            f"Latencies at {self.options.rates[rows]:,} requests a second.\n\n"
            f"{targets_table(self.results, rows)}\n{requests_table(self.results, rows)}"
        )

    def _heading(self, rows: int) -> str:
        body = self.served[rows]
        sizes = f"{len(body.identity) / 1000:,.0f} kB, {len(body.compressed) / 1000:,.0f} kB with gzip"
        return f"{rows:,} rows received, {body.rows:,} served: {sizes}"

    def _bars(self, rows: int) -> list[Bar]:
        bars = [
            Bar(key.target, summarize(samples.throughput), key.target == SERVICE)
            for key, samples in self.results.items()
            if (key.rows, key.scenario) == (rows, PRICE_LIST.name)
        ]
        return sorted(bars, key=lambda bar: -bar.throughput.median)
