"""Tables in Markdown from the results."""

from collections.abc import Callable, Sequence

from bench.results import Key, Results, Samples, goals
from bench.scenarios import NOT_MODIFIED, PRICE_LIST, SCENARIOS
from bench.statistics import Summary, ratio, summarize
from bench.targets import SERVICE

NOT_MEASURED = "–"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are aligned to the right."""
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)], *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def targets_table(results: Results, rows: int) -> str:
    """Return the table of all targets: throughput, ratio, latencies, and how busy the two cores were."""
    ours = results[Key(rows, PRICE_LIST.name, SERVICE)]
    headings = ["Server", "requests/s", "this service / it", "p50 ms", "p90 ms", "p99 ms", "its core", "load's core"]
    return table(headings, [_target_row(key.target, samples, ours) for key, samples in _compared(results, rows)])


def requests_table(results: Results, rows: int) -> str:
    """Return the table of the other requests of this service, each against the list with gzip."""
    base = results[Key(rows, PRICE_LIST.name, SERVICE)].throughput
    measured = [(s, results.get(Key(rows, s.name, SERVICE))) for s in SCENARIOS]
    lines = [
        [scenario.name, _spread(summarize(samples.throughput), _count), _spread(ratio(samples.throughput, base), _two)]
        for scenario, samples in measured
        if samples
    ]
    return table(["Request", "requests/s", "it / list, gzip"], lines)


def goals_table(results: Results) -> str:
    """Return the table of goals, for each length of the list that was measured."""
    lines = []
    for rows in dict.fromkeys(key.rows for key in results):
        for goal in goals(rows):
            measured = goal.measure(results)
            what = f"{'304' if goal.scenario == NOT_MODIFIED.name else 'list'}, {goal.figure}"
            other = "its own 200" if goal.other.target == SERVICE else goal.other.target
            verdict = NOT_MEASURED if measured is None else "yes" if goal.is_met(measured) else "no"
            ratio_text = _spread(measured, _two) if measured else NOT_MEASURED
            lines.append([f"{what} / {other}", f"{rows:,}", f"{goal.sign} {goal.bound:g}", ratio_text, verdict])
    return table(["Ratio", "rows", "goal", "measured", "met"], lines)


def _compared(results: Results, rows: int) -> list[tuple[Key, Samples]]:
    """Return the targets of one length, the fastest first."""
    found = [(key, value) for key, value in results.items() if (key.rows, key.scenario) == (rows, PRICE_LIST.name)]
    return sorted(found, key=lambda pair: -summarize(pair[1].throughput).median)


def _target_row(target: str, samples: Samples, ours: Samples) -> list[str]:
    server, load = (summarize([getattr(p, n) for p in samples.peaks]) for n in ("server_busy", "load_busy"))
    return [
        f"**{target}**" if target == SERVICE else target,
        _spread(summarize(samples.throughput), _count),
        "1" if target == SERVICE else _spread(ratio(ours.throughput, samples.throughput), _two),
        *(_latency(samples.percentile(name)) for name in ("p50", "p90", "p99")),
        f"{server.median:.0%}",
        f"{load.median:.0%}",
    ]


def _latency(values: list[float]) -> str:
    return _spread(summarize(values), _two) if values else NOT_MEASURED


def _spread(summary: Summary, text: Callable[[float], str]) -> str:
    return f"{text(summary.median)} ({text(summary.low)}–{text(summary.high)})"


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _two(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"
