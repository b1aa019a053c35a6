"""Every date format that clients of the upstream have sent, and values that must not be parsed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efishery_fetch.dates import (
    FUTURE_TOLERANCE,
    JAKARTA,
    epoch_milliseconds,
    from_epoch_milliseconds,
    parse_moment,
    rfc3339,
    row_moment,
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
        ("2020-06-03T11:32:48", "2020-06-03T04:32:48.000Z"),
        ("2022/05/30 11:0:47", "2022-05-30T04:00:47.000Z"),
        ("31/5/2022", "2022-05-30T17:00:00.000Z"),
        ("2022-03-10 12:46:54.378", "2022-03-10T05:46:54.378Z"),
        ("Wed Jun 03 11:32:48 GMT+07:00 2020", "2020-06-03T04:32:48.000Z"),
        (" 2020-06-03T11:32:48Z ", "2020-06-03T11:32:48.000Z"),
        ("1622563514", "2021-06-01T16:05:14.000Z"),
        ("1591522886328", "2020-06-07T09:41:26.328Z"),
        (1591522886328, "2020-06-07T09:41:26.328Z"),
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
        "31/31/2022",
        "99999999999999999999",
        "1_591_522_886",
        None,
        True,
        1.5e12,
        [],
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


def test_timestamp_takes_precedence_over_jakarta_time_labelled_as_utc() -> None:
    moment = row_moment("1654052400000", "2022-06-01T10:00:00Z", NOW)
    assert moment == datetime(2022, 6, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize("unreadable", ["", None, "asdf", "99999999999999"])
def test_text_is_used_when_the_timestamp_is_invalid(unreadable: object) -> None:
    assert row_moment(unreadable, "2022-06-01T10:00:00+07:00", NOW) == datetime(2022, 6, 1, 3, tzinfo=UTC)


@settings(deadline=None)
@given(MOMENTS)
def test_forms_agree(moment: datetime) -> None:
    jakarta = moment.astimezone(JAKARTA)
    assert from_epoch_milliseconds(epoch_milliseconds(moment)) == moment
    assert parse_moment(rfc3339(moment), NOW) == moment
    assert parse_moment(jakarta.isoformat(timespec="milliseconds"), NOW) == moment
    assert parse_moment(f"{jakarta:%Y-%m-%d %H:%M:%S.%f}", NOW) == moment
    assert parse_moment(str(epoch_milliseconds(moment)), NOW) == moment


@settings(deadline=None)
@given(st.text() | st.integers() | st.floats() | st.none())
def test_never_raises(value: object) -> None:
    moment = parse_moment(value, NOW)
    assert moment is None or moment.tzinfo is UTC
