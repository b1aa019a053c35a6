"""Every row of both recorded lists is served or counted, and their aggregate equals one computed here.

The computation here shares no code with the service: it has its own date arithmetic, grouping and fractions.
"""

import json
import statistics
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.unit.fetch.support import Headers

RATE = Fraction("0.00006123")
REJECTED_BEFORE_DUPLICATES = {
    142: {"missing_commodity": 3, "missing_price": 2, "invalid_price": 2, "price_out_of_range": 1},
    219: {},
}
Key = tuple[str, int, int]


def get(signed_in: tuple[FlaskClient, Headers], path: str) -> dict[str, Any]:
    client, headers = signed_in
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: dict[str, Any] = answer.get_json()
    return body


def epoch_seconds(row: dict[str, str]) -> Fraction | None:
    """Return the row's date as epoch seconds; no row of these recordings has only `tgl_parsed`."""
    if not row["timestamp"]:
        assert not row["tgl_parsed"]
        return None
    return Fraction(int(row["timestamp"]), 1000 if len(row["timestamp"]) == 13 else 1)


def priced(row: dict[str, str]) -> bool:
    return row["price"].isdigit() and int(row["price"]) <= 100_000_000 and row["komoditas"].strip() != ""


def distinct(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the valid rows, the first of each set of equal ones."""
    seen: dict[tuple[object, ...], dict[str, str]] = {}
    for row in filter(priced, rows):
        places = tuple(" ".join((row[name] or "").upper().split()) for name in ("area_provinsi", "area_kota"))
        numbers = (int(row["price"]), int(row["size"]) if row["size"].isdigit() else None, epoch_seconds(row))
        seen.setdefault((row["uuid"], " ".join(row["komoditas"].split()), places, numbers), row)
    return list(seen.values())


def week(seconds: Fraction) -> tuple[int, int]:
    day = date(1970, 1, 1) + timedelta(days=int((seconds + 7 * 3600) // 86400))
    return day.isocalendar()[:2]


def summary(numbers: list[int]) -> dict[str, Any] | None:
    if not numbers:
        return None
    exact = [Fraction(number) for number in numbers]
    return {
        "count": len(numbers),
        "min": min(numbers),
        "max": max(numbers),
        "mean": float(round(statistics.mean(exact), 2)),
        "median": float(round(statistics.median(exact), 2)),
    }


def weekly(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    groups: dict[Key, list[dict[str, str]]] = defaultdict(list)
    for row in distinct(rows):
        seconds, province = epoch_seconds(row), " ".join((row["area_provinsi"] or "").upper().split())
        if seconds is not None and province:
            groups[(province, *week(seconds))].append(row)
    return [
        {
            "area_provinsi": province,
            "iso_year": year,
            "iso_week": number,
            "week_start": datetime.strptime(f"{year} {number} 1", "%G %V %u").replace(tzinfo=UTC).date().isoformat(),
            "price": summary([int(row["price"]) for row in members]),
            "size": summary([int(row["size"]) for row in members if row["size"].isdigit()]),
        }
        for (province, year, number), members in sorted(groups.items())
    ]


@pytest.mark.parametrize("path", ["/fetch/resource", "/fetch/resource/aggregate"])
def test_every_row_is_served_or_counted(signed_in: tuple[FlaskClient, Headers], recorded: bytes, path: str) -> None:
    rows = json.loads(recorded)
    meta = get(signed_in, path)["meta"]
    duplicates = sum(map(priced, rows)) - len(distinct(rows))
    expected = REJECTED_BEFORE_DUPLICATES[len(rows)] | ({"duplicate": duplicates} if duplicates else {})
    assert meta["received"] == len(rows)
    assert meta["rejected"] == expected


def test_the_list_has_the_distinct_valid_rows(signed_in: tuple[FlaskClient, Headers], recorded: bytes) -> None:
    answer = get(signed_in, "/fetch/resource")
    wanted = distinct(json.loads(recorded))
    assert answer["meta"]["count"] == len(answer["data"]) == len(wanted)
    assert answer["meta"]["received"] == answer["meta"]["count"] + sum(answer["meta"]["rejected"].values())
    for served, row in zip(answer["data"], wanted, strict=True):
        seconds = epoch_seconds(row)
        assert (served["uuid"], served["price"]) == (row["uuid"], int(row["price"]))
        assert served["price_usd"] == float(round(Fraction(int(row["price"])) * RATE, 4))
        assert served["timestamp"] == (None if seconds is None else int(seconds * 1000))


def test_the_aggregate_equals_an_independent_one(signed_in: tuple[FlaskClient, Headers], recorded: bytes) -> None:
    answer = get(signed_in, "/fetch/resource/aggregate")
    assert answer["data"] == weekly(json.loads(recorded))
    meta = answer["meta"]
    assert meta["rows"] + sum(meta["excluded"].values()) == meta["received"] - sum(meta["rejected"].values())
    assert meta["count"] == len(answer["data"]) > 50
