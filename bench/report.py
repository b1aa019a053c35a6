"""Writes docs/performance.md and its chart from the results."""

from collections.abc import Mapping
from dataclasses import dataclass
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
MESH_BEGIN, MESH_END = "<!-- begin: make bench-mesh -->\n", "<!-- end: make bench-mesh -->\n"
MESH_MISSING: Final = "Not measured yet: `make bench-mesh` measures it on the cluster of the current kubectl context.\n"
TEMPLATE: Final = Path(__file__).with_name("performance.md.in")


@dataclass(frozen=True)
class Report:
    """All that the page is made of. `served` has the content by the number of rows of the upstream list."""

    options: Options
    results: Results
    served: Mapping[int, Content]
    facts: Mapping[str, str]
    date: str

    def tables(self) -> str:
        """Return the tables of all lengths of the list, and of logins."""
        logins = logins_table(self.results)
        sections = [*(self._section(rows) for rows in self.served), *([self._logins(logins)] if logins else [])]
        return "\n".join(sections)

    def page(self, mesh: str) -> str:
        """Return the page; `mesh` is the section that another command measures."""
        values = {
            "date": self.date,
            "chart": CHART,
            "goals": goals_table(self.results),
            "tables": self.tables(),
            "mesh": MESH_BEGIN + mesh + MESH_END,
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
        """Write page and chart; what `make bench-mesh` has written stays."""
        mesh = mesh_section(page.read_text()) if page.exists() else MESH_MISSING
        page.write_text(self.page(mesh))
        (page.parent / CHART).write_text(self.chart())

    def _section(self, rows: int) -> str:
        return (
            f"### {self._heading(rows)}\n"
            f"Latencies at {self.options.rates[rows]:,} requests a second.\n\n"
            f"{targets_table(self.results, rows)}\n{requests_table(self.results, rows)}"
        )

    def _logins(self, logins: str) -> str:
        rates = flood_rates(self.results)
        return (
            f"### Logins\n"
            f"The list has {LOGIN_ROWS:,} rows and is requested {LIST_RATE:,} times a second. During the flood,\n"
            f"auth answered 200 to {rates[200]} logins a second, and 503 to {rates[503]}.\n\n{logins}"
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


def mesh_section(page: str) -> str:
    """Return the text between the marks; raises ValueError without them."""
    _before, begin, rest = page.partition(MESH_BEGIN)
    section, end, _after = rest.partition(MESH_END)
    if not begin or not end:
        raise ValueError(f"docs/performance.md: the lines {MESH_BEGIN.strip()} and {MESH_END.strip()} are missing")
    return section


def with_mesh_section(page: str, section: str) -> str:
    """Return the page with another text between the marks; raises ValueError without them."""
    return page.replace(MESH_BEGIN + mesh_section(page) + MESH_END, MESH_BEGIN + section + MESH_END)
