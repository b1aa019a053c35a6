"""The cache of queries: what an entry costs, and how many there are; the clock."""

import tracemalloc
from datetime import UTC, datetime

from efishery_fetch.clock import utc_now
from efishery_fetch.dates import epoch_milliseconds, from_epoch_milliseconds
from efishery_fetch.queries import parse_list_query
from efishery_fetch.representation import Headers, Representation, encode
from efishery_fetch.snapshot import ENTRY_BYTES, MAX_QUERY_BYTES, Snapshot

NOW = datetime(2022, 5, 30, 8, tzinfo=UTC)
LONG_QUERY = [("province", f"{number:0100}") for number in range(17)]  # near the limit of 2,000 characters
LINK_CHARACTERS = 9_000  # the header repeats such a query four times


def answer(body: bytes = b"{}", headers: Headers = ()) -> Representation:
    return encode(body, NOW, headers=headers)


def paged_answer() -> Representation:
    return answer(headers=(("Link", "".join("<" * LINK_CHARACTERS)),))


def test_many_queries_with_tiny_answers_take_bounded_memory() -> None:
    snapshot = Snapshot()
    tracemalloc.start()
    for offset in range(2_000):
        query = parse_list_query([*LONG_QUERY, ("limit", "1"), ("offset", str(offset))], "")
        snapshot.of_query(query, paged_answer)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0 < len(snapshot._queries) < MAX_QUERY_BYTES // ENTRY_BYTES
    assert taken < MAX_QUERY_BYTES


def test_the_bodies_count_too() -> None:
    snapshot = Snapshot()
    for number in range(40):
        snapshot.of_query(number, lambda: answer(bytes(1024 * 1024)))
    assert len(snapshot._queries) == 7


def test_a_body_that_is_too_large_to_be_kept_is_answered() -> None:
    snapshot = Snapshot()
    kept = snapshot.of_query("small", answer)
    large = snapshot.of_query("large", lambda: answer(bytes(MAX_QUERY_BYTES)))
    assert len(large.identity.ok.body) == MAX_QUERY_BYTES
    assert snapshot.of_query("small", lambda: answer(b"another")) is kept


def test_the_time_is_kept_exactly_in_redis() -> None:
    for _ in range(10):
        now = utc_now()
        assert from_epoch_milliseconds(epoch_milliseconds(now)) == now
