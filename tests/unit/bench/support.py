"""Results as a run would have collected them."""

from bench.load import Latency, Peak
from bench.results import Key, Samples
from bench.scenarios import (
    FLOOD_ACCEPTED,
    FLOOD_REFUSED,
    NO_FLOOD,
    NOT_MODIFIED,
    PRICE_LIST,
    UNDER_FLOOD,
    Password,
    Scenario,
)
from bench.targets import ARGON2ID, FASTAPI_RECOMPUTE, GO_MEMO, NGINX, SERVICE


def samples(throughput: list[float], p99: list[float] | None = None) -> Samples:
    """Make the rounds of one target."""
    peaks = [Peak(value, server_busy=1.0, load_busy=0.5) for value in throughput]
    return Samples(peaks, [Latency(1000, value / 4, value / 2, value) for value in p99 or []])


def key(target: str, scenario: Scenario = PRICE_LIST, rows: int = 219) -> Key:
    """Make the key of one target's samples."""
    return Key(rows, scenario.name, target)


RESULTS = {
    key(SERVICE): samples([20_000, 22_000, 21_000], [1.0, 1.2, 1.1]),
    key(SERVICE, NOT_MODIFIED): samples([30_000, 33_000, 21_000]),
    key(GO_MEMO): samples([40_000, 22_000, 30_000], [0.5, 0.6, 0.55]),
    key(NGINX): samples([40_000, 44_000, 42_000], [0.25, 0.3, 0.55]),
    key(FASTAPI_RECOMPUTE): samples([200, 220, 210]),
}

LOGINS = {
    Key(None, Password.CHOSEN.scenario, SERVICE): samples([27, 20, 25]),
    Key(None, Password.CHOSEN.scenario, ARGON2ID): samples([30, 25, 25]),
    Key(None, Password.GENERATED.scenario, SERVICE): samples([40, 50]),
    Key(None, Password.GENERATED.scenario, ARGON2ID): samples([100, 100]),
    Key(219, NO_FLOOD, SERVICE): samples([1000, 1000], [1.0, 2.0]),
    Key(219, UNDER_FLOOD, SERVICE): samples([1000, 1000], [4.0, 3.0]),
    Key(None, FLOOD_ACCEPTED, SERVICE): samples([20, 22]),
    Key(None, FLOOD_REFUSED, SERVICE): samples([300, 200]),
}
