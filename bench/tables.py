"""Tables in Markdown from the results."""

from collections.abc import Callable, Sequence

from bench.results import Figure, Goal, Key, Results, Samples, goals, login_goals
from bench.scenarios import FLOOD_ACCEPTED, FLOOD_REFUSED, NOT_MODIFIED, PRICE_LIST, SCENARIOS
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


def logins_table(results: Results) -> str:
    """Return the table of logins, and of the list while there are many, with their goals; empty without them."""
    lines = [_login_row(results, goal) for goal in login_goals() if goal.measure(results)]
    headings = ["Measured", "value", "beside", "its value", "ratio", "goal", "met", "server's core", "load's core"]
    return table(headings, lines) if lines else ""


def flood_rates(results: Results) -> dict[int, str]:
    """Return how many logins a second of the flood had each status."""
    answers = {200: FLOOD_ACCEPTED, 503: FLOOD_REFUSED}
    rates = {status: results.get(Key(None, scenario, SERVICE)) for status, scenario in answers.items()}
    return {status: _spread(summarize(each.throughput), _count) for status, each in rates.items() if each}


def goals_table(results: Results) -> str:
    """Return the table of goals for each length of the list that was measured."""
    lengths = dict.fromkeys(key.rows for key in results if key.scenario == PRICE_LIST.name and key.rows)
    lines = []
    for rows in lengths:
        for goal in goals(rows):
            measured = goal.measure(results)
            verdict = NOT_MEASURED if measured is None else _verdict(goal, measured)
            ratio_text = _spread(measured, _two) if measured else NOT_MEASURED
            lines.append([_compared_figures(goal), f"{rows:,}", f"{goal.sign} {goal.bound:g}", ratio_text, verdict])
    return table(["Ratio", "rows", "goal", "measured", "met"], lines)


def _compared_figures(goal: Goal) -> str:
    ours = {PRICE_LIST.name: "list", NOT_MODIFIED.name: "304"}.get(goal.scenario, goal.scenario)
    if goal.other.target != SERVICE:
        return f"{ours}, {goal.figure} / {goal.other.target}"
    return f"{ours}, {goal.figure} / its own 200"


def _verdict(goal: Goal, measured: Summary) -> str:
    return "yes" if goal.is_met(measured) else "no"


def _login_row(results: Results, goal: Goal) -> list[str]:
    ours, theirs = (goal.figure.of(results[key]) for key in (goal.ours, goal.other))
    measured = ratio(ours, theirs)
    return [
        f"{goal.scenario}: {goal.figure}{' ms' if goal.figure is Figure.P99 else ''}",
        _spread(summarize(ours), _two),
        goal.other.scenario if goal.other.target == SERVICE else goal.other.target,
        _spread(summarize(theirs), _two),
        _spread(measured, _two),
        f"{goal.sign} {goal.bound:g}",
        _verdict(goal, measured),
        *_cores(results[goal.ours]),
    ]


def _compared(results: Results, rows: int) -> list[tuple[Key, Samples]]:
    """Return the targets of one length, the fastest first."""
    found = [(key, value) for key, value in results.items() if (key.rows, key.scenario) == (rows, PRICE_LIST.name)]
    return sorted(found, key=lambda pair: -summarize(pair[1].throughput).median)


def _target_row(target: str, samples: Samples, ours: Samples) -> list[str]:
    return [
        f"**{target}**" if target == SERVICE else target,
        _spread(summarize(samples.throughput), _count),
        "1" if target == SERVICE else _spread(ratio(ours.throughput, samples.throughput), _two),
        *(_latency(samples.percentile(name)) for name in ("p50", "p90", "p99")),
        *_cores(samples),
    ]


def _cores(samples: Samples) -> list[str]:
    use = ([getattr(peak, name) for peak in samples.peaks] for name in ("server_busy", "load_busy"))
    return [f"{summarize(shares).median:.0%}" for shares in use]


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
