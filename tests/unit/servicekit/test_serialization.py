import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit.serialization import rfc3339, to_json


def test_times_are_serialized_in_utc() -> None:
    jakarta = timezone(timedelta(hours=7))
    assert rfc3339(datetime(2022, 1, 1, 7, 0, tzinfo=jakarta)) == "2022-01-01T00:00:00Z"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_decimals_keep_their_digits(value: Decimal) -> None:
    text = json.dumps(value, default=to_json)
    assert Decimal(text) == value


@pytest.mark.parametrize(
    ("value", "written"), [(Decimal("2.50"), "2.5"), (Decimal("3"), "3"), (date(2022, 1, 3), '"2022-01-03"')]
)
def test_values_are_serialized(value: object, written: str) -> None:
    assert json.dumps(value, default=to_json) == written


def test_a_type_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no JSON form"):
        json.dumps({1}, default=to_json)
