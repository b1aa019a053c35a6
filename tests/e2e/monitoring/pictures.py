"""Draws a dashboard from its panels' own queries, roughly as Grafana does."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite, nan
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tests.e2e.cluster import NAMESPACE
from tests.e2e.monitoring.prometheus import Monitoring

COLUMNS = 24  # of Grafana's grid
WIDTH, ROW = 15.0, 0.36  # inches: of the picture, and of a row of the grid
LINES_ROWS = 6  # of a panel that is no number, at least
DPI = 80
STEP = 2.0  # seconds
RATE_INTERVAL = "30s"
MAX_LEGEND = 7  # entries; further ones are counted
COLORS = ("#3f83d1", "#d1493f", "#3f9d5f", "#c98a1b", "#8a5cc2", "#2aa5a5", "#b0508e", "#6b7785", "#8d6a3f", "#9db33a")


@dataclass(frozen=True)
class Series:
    """One line: its entry in the legend, its times and values."""

    name: str
    times: list[datetime]
    values: list[float]

    @property
    def highest(self) -> float:
        """The highest value."""
        return max(filter(isfinite, self.values))


def draw(dashboard: Path, monitored: Monitoring, start: float, end: float, picture: Path) -> dict[str, list[Series]]:
    """Write the picture; return what was drawn, by the panel's title and the query's letter."""
    content = json.loads(dashboard.read_text())
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in content["panels"])
    figure = Figure(figsize=(WIDTH, rows * ROW + 0.6), facecolor="#f4f5f6")
    height = figure.get_figheight()
    figure.text(0.01, 1 - 0.36 / height, content["title"], fontsize=15, weight="bold")
    drawn: dict[str, list[Series]] = {}
    for panel in content["panels"]:
        found = {f"{panel['title']} {t['refId']}": _series(monitored, t, start, end) for t in panel["targets"]}
        series = [each for of_query in found.values() for each in of_query]
        axes = figure.add_axes(_rectangle(panel["gridPos"], height), facecolor="white")
        axes.set_title(panel["title"], loc="left", fontsize=10 if panel["gridPos"]["w"] > 4 else 6.5, weight="bold")
        axes.spines[:].set_color("#d0d7de")
        (_draw_stat if panel["type"] == "stat" else _draw_lines)(axes, series, panel["fieldConfig"]["defaults"]["unit"])
        if panel["type"] != "stat":
            axes.set_xlim(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))  # type: ignore[arg-type]
        drawn |= found
    figure.savefig(picture, dpi=DPI)
    return drawn


def _series(monitored: Monitoring, target: dict[str, Any], start: float, end: float) -> list[Series]:
    expression = target["expr"].replace("$namespace", NAMESPACE).replace("$__rate_interval", RATE_INTERVAL)
    found = []
    for each in monitored.query_range(expression, start, end, STEP):
        name = _legend(target["legendFormat"], each["metric"])
        times = [datetime.fromtimestamp(float(time), UTC) for time, _ in each["values"]]
        values = [float(value) if isfinite(float(value)) else nan for _, value in each["values"]]  # nan is a gap
        if any(map(isfinite, values)):
            found.append(Series(name, times, values))
    return found


def _legend(template: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), template).strip() or "other"


def _rectangle(position: dict[str, int], height: float) -> tuple[float, float, float, float]:
    """Return left, bottom, width and height of the panel's axes, as shares of the picture."""
    left = position["x"] / COLUMNS + 0.045
    top = 1 - (0.6 + position["y"] * ROW + 0.34) / height
    inner = (position["h"] * ROW - 0.34 - (0.3 if position["h"] < LINES_ROWS else 0.66)) / height  # below: the legend
    return left, top - inner, position["w"] / COLUMNS - 0.055, inner


def _draw_stat(axes: Axes, series: list[Series], unit: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for number, each in enumerate(series):
        at = (number + 0.5) / len(series)
        axes.text(at, 0.56, _shown(each.values[-1], unit), ha="center", va="center", fontsize=17, color="#3f9d5f")
        axes.text(at, 0.12, each.name, ha="center", va="center", fontsize=8, color="#5b6875")


def _draw_lines(axes: Axes, series: list[Series], unit: str) -> None:
    axes.grid(color="#e4e9ee")
    axes.tick_params(labelsize=8, length=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _shown(value, unit)))
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=UTC))  # type: ignore[no-untyped-call]
    if not series:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "none in this time", transform=axes.transAxes, ha="center", fontsize=9, color="#5b6875")
        return
    for number, each in enumerate(sorted(series, key=lambda each: (-each.highest, each.name))):
        color = COLORS[number % len(COLORS)]
        name = each.name if number < MAX_LEGEND else None
        axes.plot(each.times, each.values, color=color, linewidth=1.3, label=name)  # type: ignore[arg-type]  # dates
    if len(series) > MAX_LEGEND:
        axes.plot([], [], " ", label=f"and {len(series) - MAX_LEGEND} more")
    axes.set_ylim(0, 1.1 * max(each.highest for each in series) or 1)
    axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4, frameon=False, columnspacing=1)


def _shown(value: float, unit: str) -> str:
    """Return the number with its unit, as Grafana abbreviates it."""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "bytes":
        return f"{value / 2**30:.3g} GiB" if value >= 2**30 else f"{value / 2**20:.3g} MiB"
    if unit == "s":
        return _duration(value)
    return f"{value:.4g}"


def _duration(seconds: float) -> str:
    scales = ((365 * 86400.0, "years"), (86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
    size, unit = next((scale for scale in scales if abs(seconds) >= scale[0]), (0.001, "ms"))
    return f"{seconds / size:.3g} {unit}" if seconds else "0 s"
