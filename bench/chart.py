"""The chart of throughputs, as SVG: a bar for each target and length of the list, on a logarithmic axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from bench.statistics import Summary

WIDTH, LEFT, RIGHT, TOP, ROW, GAP = 960, 200, 800, 100, 26, 32  # pixels; the axis goes from LEFT to RIGHT
FIRST, LAST = 1, 100_000  # requests a second at both ends of the axis
TICKS: Final = (1, 10, 100, 1_000, 10_000, 100_000)
STYLE: Final = """\
.page{fill:#ffffff;stroke:#d0d7de}.title{font-size:17px;font-weight:600}.grid{stroke:#e4e9ee}
.text{fill:#1f2a36}.muted{fill:#5b6875;font-size:12px}.bar{fill:#9fb3c8}.bar.ours{fill:#3f83d1}.spread{stroke:#1f2a36}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117;stroke:#30363d}.grid{stroke:#252c35}
.text{fill:#e6edf3}.muted{fill:#9aa5b1}.bar{fill:#506274}.bar.ours{fill:#5b9be6}.spread{stroke:#e6edf3}}"""


@dataclass(frozen=True)
class Bar:
    """One target's throughput in requests a second."""

    target: str
    throughput: Summary
    is_ours: bool


@dataclass(frozen=True)
class Panel:
    """The bars of one length of the list."""

    heading: str
    bars: Sequence[Bar]


def x(throughput: float) -> float:
    """Return where the axis has this value, in pixels; values beyond its ends are drawn at the ends."""
    inside = min(max(throughput, FIRST), LAST)
    return round(LEFT + (RIGHT - LEFT) * math.log(inside / FIRST) / math.log(LAST / FIRST), 1)


def render(panels: Sequence[Panel]) -> str:
    """Return the SVG document."""
    tops = [TOP + sum(_height(panel) for panel in panels[:number]) for number in range(len(panels))]
    height = TOP + sum(_height(panel) for panel in panels)
    title = "Requests a second of GET /fetch/resource, each server on one core"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            ' aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="13">',
            f'<title id="title">{title}</title>',
            f'<desc id="desc">{escape("; ".join(_describe(panel) for panel in panels))}</desc>',
            f"<style>\n{STYLE}\n</style>",
            f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
            f'<text class="text title" x="24" y="34">{title}</text>',
            '<text class="muted" x="24" y="55">Median of the rounds on a logarithmic scale; the line is from the lowest'
            " round to the highest</text>",
            *(line for panel, top in zip(panels, tops, strict=True) for line in _panel(panel, top)),
            "</svg>\n",
        ]
    )


def _height(panel: Panel) -> int:
    return ROW * len(panel.bars) + 2 * GAP


def _describe(panel: Panel) -> str:
    return f"{panel.heading}: " + ", ".join(f"{bar.target} {bar.throughput.median:,.0f}" for bar in panel.bars)


def _panel(panel: Panel, top: int) -> list[str]:
    bottom = top + ROW * len(panel.bars)
    return [
        f'<text class="text" x="24" y="{top - 8}" font-weight="600">{escape(panel.heading)}</text>',
        *(line for tick in TICKS for line in _tick(tick, top, bottom)),
        *(line for row, bar in enumerate(panel.bars) for line in _bar(bar, top + ROW * row)),
    ]


def _tick(throughput: int, top: int, bottom: int) -> list[str]:
    at = x(throughput)
    return [
        f'<path class="grid" d="M{at} {top}V{bottom + 4}"/>',
        f'<text class="muted" x="{at}" y="{bottom + 20}" text-anchor="middle">{throughput:,}</text>',
    ]


def _bar(bar: Bar, y: int) -> list[str]:
    median, low, high = x(bar.throughput.median), x(bar.throughput.low), x(bar.throughput.high)
    color = "bar ours" if bar.is_ours else "bar"
    return [
        f'<text class="text" x="{LEFT - 12}" y="{y + 17}" text-anchor="end">{escape(bar.target)}</text>',
        f'<rect class="{color}" data-throughput="{bar.throughput.median:.1f}" x="{LEFT}" y="{y + 5}"'
        f' width="{median - LEFT:.1f}" height="16" rx="2"/>',
        f'<path class="spread" d="M{low} {y + 13}H{high}"/>',
        f'<text class="text" x="{WIDTH - 24}" y="{y + 17}" text-anchor="end">{bar.throughput.median:,.0f}/s</text>',
    ]
