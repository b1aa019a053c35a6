"""The chart of write gaps, as SVG: a bar for each fault, and a mark at its limit, on a logarithmic axis."""

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

LEFT, RIGHT, TOP, ROW, WIDTH = 362, 846, 96, 26, 960  # pixels; the axis goes from LEFT to RIGHT
FIRST, LAST = 0.1, 200  # seconds at both ends of the axis
TICKS = (0.1, 0.3, 1, 3, 10, 30, 100)
STYLE = """\
.page{fill:#ffffff;stroke:#d0d7de}.title{font-size:17px;font-weight:600}.grid{stroke:#e4e9ee}
.text{fill:#1f2a36}.muted{fill:#5b6875;font-size:12px}.bar{fill:#3f83d1}.bar.over{fill:#d1493f}
.track{fill:#e6eff9}.limit{fill:#1f2a36}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117;stroke:#30363d}.grid{stroke:#252c35}
.text{fill:#e6edf3}.muted{fill:#9aa5b1}.bar{fill:#5b9be6}.bar.over{fill:#f0695f}
.track{fill:#182538}.limit{fill:#e6edf3}}"""


@dataclass(frozen=True)
class Bar:
    """One fault: its write gap and the limit, in seconds."""

    fault: str
    seconds: float
    limit: float

    @property
    def is_over(self) -> bool:
        """Tell whether the gap exceeds its limit."""
        return self.seconds > self.limit


def x(seconds: float) -> float:
    """Return where the axis has this time, in pixels; times beyond its ends are drawn at the ends."""
    inside = min(max(seconds, FIRST), LAST)
    return round(LEFT + (RIGHT - LEFT) * math.log(inside / FIRST) / math.log(LAST / FIRST), 1)


def render(bars: list[Bar]) -> str:
    """Return the SVG document."""
    bottom = TOP + ROW * len(bars)
    passed = sum(not bar.is_over for bar in bars)
    description = "; ".join(f"{bar.fault}: {bar.seconds:.1f} s, limit {bar.limit:g} s" for bar in bars)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 44}" role="img"'
            ' aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="13">',
            f'<title id="title">Write gap of each MySQL fault: {passed} of {len(bars)} within the limit</title>',
            f'<desc id="desc">{escape(description)}</desc>',
            f"<style>\n{STYLE}\n</style>",
            f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{bottom + 43}" rx="8"/>',
            *_heading(passed, len(bars)),
            *(line for tick in TICKS for line in _tick(tick, bottom)),
            *(line for row, bar in enumerate(bars) for line in _bar(bar, TOP + ROW * row)),
            "</svg>\n",
        ]
    )


def _heading(passed: int, faults: int) -> list[str]:
    subtitle = f"Longest time without a write, on a logarithmic scale: {passed} of {faults} within the limit"
    return [
        '<text class="text title" x="24" y="34">Write gap of each fault</text>',
        f'<text class="muted" x="24" y="55">{subtitle}</text>',
        '<rect class="bar" x="656" y="25" width="28" height="10" rx="2"/>',
        '<text class="muted" x="692" y="34">measured</text>',
        '<rect class="bar over" x="764" y="25" width="28" height="10" rx="2"/>',
        '<text class="muted" x="800" y="34">over the limit</text>',
        '<rect class="limit" x="896" y="21" width="3" height="18" rx="1"/>',
        '<text class="muted" x="907" y="34">limit</text>',
    ]


def _tick(seconds: float, bottom: int) -> list[str]:
    at = x(seconds)
    return [
        f'<path class="grid" d="M{at} {TOP - 6}V{bottom + 4}"/>',
        f'<text class="muted" x="{at}" y="{TOP - 14}" text-anchor="middle">{seconds:g} s</text>',
        f'<text class="muted" x="{at}" y="{bottom + 22}" text-anchor="middle">{seconds:g} s</text>',
    ]


def _bar(bar: Bar, y: int) -> list[str]:
    limit, color = x(bar.limit), "bar over" if bar.is_over else "bar"
    return [
        f'<text class="text" x="{LEFT - 12}" y="{y + 17}" text-anchor="end">{escape(bar.fault)}</text>',
        f'<rect class="track" x="{LEFT}" y="{y + 5}" width="{limit - LEFT:.1f}" height="16"/>',
        f'<rect class="{color}" data-seconds="{bar.seconds:g}" x="{LEFT}" y="{y + 5}"'
        f' width="{x(bar.seconds) - LEFT:.1f}" height="16" rx="2"/>',
        f'<rect class="limit" x="{limit - 1.5:.1f}" y="{y + 3}" width="3" height="20" rx="1"/>',
        f'<text class="text" x="{WIDTH - 24}" y="{y + 17}" text-anchor="end">'
        f'{bar.seconds:.1f}<tspan class="muted"> of {bar.limit:g} s</tspan></text>',
    ]
