"""The forms in Redis; `tests/contract/test_rate_record.py` has fetch read them."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efishery_rate_cron.providers.base import Quote
from efishery_rate_cron.rate_record import (
    CorruptRecordError,
    RateRecord,
    instant,
    make_record,
    parse,
    serialize,
    update_history,
)

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
RECORD = make_record(Quote(Decimal("0.00006"), "2026-11-20"), "frankfurter", NOW)


def of(as_of: str, rate: str = "0.00006") -> RateRecord:
    return make_record(Quote(Decimal(rate), as_of), "custom", NOW)


def apply(stored: dict[str, str], record: RateRecord) -> dict[str, str]:
    """Return the history after `record`, as Redis would have it."""
    update = update_history(stored, record)
    after = {day: text for day, text in stored.items() if day not in update.delete}
    return after | ({update.day: update.entry} if update.entry else {})


def history(*records: RateRecord) -> dict[str, str]:
    stored: dict[str, str] = {}
    for record in records:
        stored = apply(stored, record)
    return stored


def rates(stored: dict[str, str]) -> dict[str, str]:
    return {day: parse(text)["rate"] for day, text in sorted(stored.items())}


def test_the_rate_is_text_without_an_exponent() -> None:
    assert make_record(Quote(Decimal("6.12E-7")), "custom", NOW)["rate"] == "0.000000612"


def test_an_undated_rate_is_as_of_the_run() -> None:
    assert make_record(Quote(Decimal("0.00006")), "custom", NOW)["as_of"] == "2026-11-22T08:00:00Z"


def test_a_record_is_parsed_as_it_was_serialized() -> None:
    assert parse(serialize(RECORD)) == RECORD


@pytest.mark.parametrize("field", RECORD)
def test_a_record_needs_each_field_as_text(field: str) -> None:
    rest = {name: value for name, value in RECORD.items() if name != field}
    for broken in (rest, {**RECORD, field: None}, {**RECORD, field: 1}):
        with pytest.raises(CorruptRecordError):
            parse(json.dumps(broken))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("rate", value) for value in ("0", "-0.00006", "1", "16350", "NaN", "sNaN", "Infinity", "", "much")),
        *(("as_of", value) for value in ("", "yesterday", "99999-01-01", "2026-11-20\ud800")),
        ("fetched_at", "now"),
    ],
)
def test_a_record_with_a_wrong_value_is_corrupt(field: str, value: str) -> None:
    with pytest.raises(CorruptRecordError):
        parse(json.dumps({**RECORD, field: value}))


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("text", ["", "null", "[]", "{", "[" * 100_000, '"rate"', "9" * 5000])
def test_another_text_is_corrupt(text: str) -> None:
    with pytest.raises(CorruptRecordError):
        parse(text)


def test_a_date_is_the_end_of_its_day() -> None:
    assert instant("2026-11-20T23:59:59Z") < instant("2026-11-20") < instant("2026-11-21T00:00:00Z")


def test_the_history_has_a_field_for_each_day() -> None:
    stored = history(of("2026-11-19", "0.000059"), of("2026-11-20T01:00:00Z", "0.00006"), of("2026-11-21"))
    assert rates(stored) == {"2026-11-19": "0.000059", "2026-11-20": "0.00006", "2026-11-21": "0.00006"}


def test_the_day_is_that_of_utc() -> None:
    assert list(history(of("2026-11-20T06:30:00+07:00"))) == ["2026-11-19"]


def test_the_last_rate_of_a_day_stays() -> None:
    early, late = of("2026-11-20T01:00:00Z", "0.00006"), of("2026-11-20T09:00:00Z", "0.000061")
    assert rates(history(early, late)) == rates(history(late, early)) == {"2026-11-20": "0.000061"}


def test_the_same_record_again_changes_nothing() -> None:
    assert history(RECORD, RECORD) == history(RECORD)


def test_of_the_same_as_of_the_last_written_stays() -> None:
    assert rates(history(of("2026-11-20", "0.00006"), of("2026-11-20", "0.000061"))) == {"2026-11-20": "0.000061"}


def test_a_lagging_provider_fills_a_missing_day_only() -> None:
    stored = history(of("2026-11-18", "0.000058"), of("2026-11-20", "0.00006"))
    lagging = [of("2026-11-19", "0.000059"), of("2026-11-18T05:00:00Z", "0.00007"), of("2026-10-01", "0.00007")]
    for record in lagging:
        stored = apply(stored, record)
    assert rates(stored) == {"2026-11-18": "0.000058", "2026-11-19": "0.000059", "2026-11-20": "0.00006"}


def test_days_over_thirty_before_the_newest_are_deleted() -> None:
    first = date(2026, 10, 10)
    stored = history(*(of((first + timedelta(days=number)).isoformat()) for number in range(40)))
    assert sorted(stored) == [(first + timedelta(days=number)).isoformat() for number in range(9, 40)]


def test_corrupt_entries_and_days_to_come_are_deleted() -> None:
    broken = {"2026-11-18": "{", "someday": serialize(RECORD), "2026-11-19": serialize(RECORD), "\udcff": "x"}
    to_come = {"2026-12-24": serialize(of("2026-12-24"))}
    assert apply(broken | to_come, RECORD) == {"2026-11-20": serialize(RECORD)}


@given(st.lists(st.tuples(st.integers(-40, 1), st.integers(0, 23)), min_size=1, max_size=60))
def test_whatever_the_order_each_day_has_its_latest_rate(moments: list[tuple[int, int]]) -> None:
    times = [NOW.replace(hour=hour) + timedelta(days=day) for day, hour in moments]
    stored = history(*(of(time.isoformat()) for time in times))
    assert len(stored) <= 31
    assert max(stored) == max(times).date().isoformat()
    for day, text in stored.items():
        assert instant(parse(text)["as_of"]) == max(time for time in times if time.date().isoformat() == day)
