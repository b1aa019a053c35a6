"""Every date format that clients of the upstream have sent, and values that must not be parsed."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efishery_fetch.dates import (
    FUTURE_TOLERANCE,
    JAKARTA,
    epoch_milliseconds,
    from_epoch_milliseconds,
    parse_moment,
    rfc3339,
)

NOW = datetime(2022, 10, 1, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2022, 9, 30)).map(  # noqa: DTZ001 -- hypothesis wants naive bounds
    lambda naive: naive.replace(tzinfo=UTC, microsecond=naive.microsecond // 1000 * 1000)
)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2020-06-03T11:32:48Z", "2020-06-03T11:32:48.000Z"),
        ("2020-06-03T11:32:48.719Z", "2020-06-03T11:32:48.719Z"),
        ("2020-06-03T11:32:48+07:00", "2020-06-03T04:32:48.000Z"),
        ("2020-06-03T11:32:48+0700", "2020-06-03T04:32:48.000Z"),
        ("2022-09-14T14:38:57+07:00Z", "2022-09-14T07:38:57.000Z"),
        ("2020-06-03T11:32:48-0330", "2020-06-03T15:02:48.000Z"),
        ("2020-06-03T11:32:48.719+07:00", "2020-06-03T04:32:48.719Z"),
        ("2020-06-03T11:32:48.719999999Z", "2020-06-03T11:32:48.719Z"),
        ("2020-06-03T11:32:48.7Z", "2020-06-03T11:32:48.700Z"),
        ("2020-06-03T11:32:48", "2020-06-03T04:32:48.000Z"),
        ("2020-06-03", "2020-06-02T17:00:00.000Z"),
        ("2020-02-29", "2020-02-28T17:00:00.000Z"),
        ("2022/05/30 11:0:47", "2022-05-30T04:00:47.000Z"),
        ("31/5/2022", "2022-05-30T17:00:00.000Z"),
        ("1/2/2022", "2022-01-31T17:00:00.000Z"),
        ("31/5/2022 11:0:47", "2022-05-31T04:00:47.000Z"),
        ("2022-03-10 12:46:54.378", "2022-03-10T05:46:54.378Z"),
        ("Wed Jun 03 11:32:48 GMT+07:00 2020", "2020-06-03T04:32:48.000Z"),
        (" 2020-06-03T11:32:48Z ", "2020-06-03T11:32:48.000Z"),
        ("Thu Dec 31 23:59:59 GMT-02:00 2020", "2021-01-01T01:59:59.000Z"),
        ("1622563514", "2021-06-01T16:05:14.000Z"),
        ("1591522886328", "2020-06-07T09:41:26.328Z"),
        (1591522886328, "2020-06-07T09:41:26.328Z"),
        (Decimal("1646878500.0"), "2022-03-10T02:15:00.000Z"),
        (Decimal("1.646878500123e12"), "2022-03-10T02:15:00.123Z"),
        ("2020-06-03T11:32:48+07:59", "2020-06-03T03:33:48.000Z"),
    ],
)
def test_reads(written: object, utc: str) -> None:
    moment = parse_moment(written, NOW)
    assert moment is not None
    assert rfc3339(moment) == utc


@pytest.mark.parametrize(
    "written",
    [
        "",
        "a",
        "10",
        "0",
        "-1",
        "2022-13-01",
        "2022-04-31",
        "2021-02-29",
        "31/31/2022",
        "5/31/2022",
        "2022/05-30",
        "2022-05-30T24:00:00Z",
        "2022-05-30T11:32:60Z",
        "2022-05-30T11:32:48+99:00",
        "2022-05-30T11:32:48ZZ",
        "2022-05-30T11:32:48+07:99",
        "2022-05-30T11:32:48-0760",
        Decimal("1646878500.5"),
        Decimal("1E+999999999"),
        Decimal("1E-999999999"),
        Decimal("-1"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        "2022-05-30T11:32:48.Z",
        "٢٠٢٢-٠٥-٣٠",
        "١٦٢٢٥٦٣٥١٤",
        "Wed Mei 03 11:32:48 GMT+07:00 2022",
        "Wed 05 03 11:32:48 GMT+07:00 2022",
        "now",
        "1e12",
        "NaN",
        "99999999999999999999",
        "1_591_522_886",
        None,
        True,
        False,
        -1,
        10**15,
        pytest.param(10**5000, id="5001 digits"),
        1.5e12,
        [],
        {},
    ],
)
def test_rejects(written: object) -> None:
    assert parse_moment(written, NOW) is None


@pytest.mark.parametrize(
    "written",
    [
        "1999-12-31T23:59:59Z",
        rfc3339(NOW + FUTURE_TOLERANCE + timedelta(seconds=1)),
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        "999999999999999",
    ],
)
def test_rejects_a_date_out_of_range(written: str) -> None:
    assert parse_moment(written, NOW) is None


@pytest.mark.parametrize("part", ["9", " ", "2022-05-30 ", "+07:00", "\u0660", "Z"])
def test_long_text_is_rejected_at_once(part: str) -> None:
    texts = [f"2022-05-30T11:32:48{part * 10**6}", f"{part * 10**6}2022-05-30", part * 10**6]
    started = time.perf_counter()
    assert [parse_moment(text, NOW) for text in texts] == [None, None, None]
    assert time.perf_counter() - started < 1


@given(MOMENTS)
def test_forms_agree(moment: datetime) -> None:
    jakarta = moment.astimezone(JAKARTA)
    assert from_epoch_milliseconds(epoch_milliseconds(moment)) == moment
    assert parse_moment(rfc3339(moment), NOW) == moment
    assert parse_moment(jakarta.isoformat(timespec="milliseconds"), NOW) == moment
    assert parse_moment(f"{jakarta:%Y-%m-%d %H:%M:%S.%f}", NOW) == moment
    assert parse_moment(f"{moment:%Y-%m-%dT%H:%M:%S.%f%z}", NOW) == moment
    assert parse_moment(str(epoch_milliseconds(moment)), NOW) == moment
    seconds = moment.replace(microsecond=0)
    assert parse_moment(epoch_milliseconds(moment) // 1000, NOW) == seconds
    assert parse_moment(f"{jakarta:%Y-%m-%dT%H:%M:%S+07:00Z}", NOW) == seconds
    assert parse_moment(f"{jakarta.year}/{jakarta.month}/{jakarta.day} {jakarta:%H:%M:%S}", NOW) == seconds
    day = jakarta.replace(hour=0, minute=0, second=0, microsecond=0)
    assert parse_moment(f"{jakarta.day}/{jakarta.month}/{jakarta.year}", NOW) == day
    # The names of days and months in `ctime` do not depend on the locale.
    assert parse_moment(f"{jakarta.ctime()[:-5].replace('  ', ' 0')} GMT+07:00 {jakarta.year}", NOW) == seconds


@given(st.text() | st.integers() | st.floats() | st.none())
def test_never_raises(value: object) -> None:
    moment = parse_moment(value, NOW)
    assert moment is None or moment.tzinfo is UTC
