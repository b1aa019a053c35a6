"""Queries of the lists over HTTP: filters, pages, CSV, rejected rows, and what is refused."""

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from pytest_httpserver import HTTPServer
from werkzeug.datastructures import MIMEAccept

from tests.unit.fetch.support import Headers, upstream_row

PATH, AGGREGATE = "/fetch/resource", "/fetch/resource/aggregate"
ROWS: list[Any] = [
    upstream_row(uuid="a", price="100"),
    upstream_row(uuid="b", price="300", area_provinsi="BALI"),
    upstream_row(uuid="c", price="200", komoditas="=HYPERLINK()"),
    upstream_row(price="$5"),
    "\ud800",
]


@pytest.fixture
def pod(client: FlaskClient, httpserver: HTTPServer) -> FlaskClient:
    httpserver.expect_request("/commodities").respond_with_json(ROWS)
    return client


def uuids(pod: FlaskClient, user: Headers, query: str) -> list[str]:
    answer = pod.get(f"{PATH}?{query}", headers=user)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [row["uuid"] for row in answer.get_json()["data"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("province=jawa++timur", ["a", "c"]),
        ("province=BALI&province=JAWA%20TIMUR", ["a", "b", "c"]),
        ("price_min=150&price_max=200", ["c"]),
        ("sort=-price", ["b", "c", "a"]),
        ("sort=price&limit=1&offset=1", ["c"]),
        ("date_from=2022-03-11", []),
    ],
)
def test_the_query_selects_and_sorts(pod: FlaskClient, user: Headers, query: str, expected: list[str]) -> None:
    assert uuids(pod, user, query) == expected


def test_pages_are_linked_and_counted(pod: FlaskClient, user: Headers) -> None:
    answer = pod.get(f"{PATH}?limit=2&fields=uuid,price_usd", headers=user)
    assert answer.get_json()["data"][0] == {"uuid": "a", "price_usd": 0.0061}
    assert (answer.get_json()["meta"]["count"], answer.get_json()["meta"]["total"]) == (2, 3)
    links = answer.headers["Link"].split(", ")
    following = next(link for link in links if 'rel="next"' in link).partition(">")[0].removeprefix("<")
    assert [row["uuid"] for row in pod.get(following, headers=user).get_json()["data"]] == ["c"]


@pytest.mark.parametrize(
    "by", [{"query_string": "format=csv"}, {"headers": {"Accept": "text/csv, */*;q=0.1"}}], ids=str
)
def test_csv(pod: FlaskClient, user: Headers, by: dict[str, Any]) -> None:
    answer = pod.get(PATH, **(by | {"headers": user | by.get("headers", {})}))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [(row["uuid"], row["price"]) for row in rows] == [("a", "100"), ("b", "300"), ("c", "200")]
    assert rows[2]["komoditas"] == "'=HYPERLINK()", "a spreadsheet must not run it"


def test_the_aggregate_takes_filters_and_csv(pod: FlaskClient, admin: Headers) -> None:
    answer = pod.get(f"{AGGREGATE}?province=bali&week_from=2022-W10&week_to=2022-W10", headers=admin)
    assert [(group["area_provinsi"], group["iso_week"]) for group in answer.get_json()["data"]] == [("BALI", 10)]
    text = pod.get(f"{AGGREGATE}?format=csv", headers=admin).get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["area_provinsi"], row["price_count"], row["price_usd_max"]) for row in rows] == [
        ("BALI", "1", "0.0184"),
        ("JAWA TIMUR", "2", "0.0122"),
    ]


def test_an_admin_sees_the_rejected_rows(pod: FlaskClient, admin: Headers, user: Headers) -> None:
    answer = pod.get(f"{PATH}?include=rejected", headers=admin).get_json()
    first, second = answer["meta"]["rejected_rows"]
    assert (first["index"], first["reason"], '"$5"' in first["item"]) == (3, "invalid_price", True)
    assert second == {"index": 4, "reason": "not_an_object", "item": '"\\ud800"'}
    for _ in range(2):
        assert pod.get(f"{PATH}?include=rejected", headers=user).status_code == 403
    assert "rejected_rows" not in pod.get(PATH, headers=admin).get_json()["meta"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{PATH}?colour=red", "colour"),
        (f"{PATH}?limit=0", "limit"),
        (f"{PATH}?limit=1001", "limit"),
        (f"{PATH}?price_min=NaN", "price_min"),
        (f"{PATH}?province={'x' * 101}", "province"),
        (f"{PATH}?" + "province=x&" * 50, "province"),
        (f"{PATH}?{'x' * 4000}=1", "query string"),
        (f"{AGGREGATE}?week_from=2022-W54", "week_from"),
        (f"{AGGREGATE}?limit=1", "limit"),
    ],
)
def test_a_query_that_is_not_valid_names_the_parameter(pod: FlaskClient, admin: Headers, path: str, field: str) -> None:
    answer = pod.get(path, headers=admin)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_a_format_that_nobody_has_is_not_acceptable(pod: FlaskClient, user: Headers) -> None:
    answer = pod.get(PATH, headers=user | {"Accept": "application/xml"})
    assert (answer.status_code, answer.get_json()["status"]) == (406, 406)


@pytest.mark.parametrize(
    "accept", [f"a{' ' * 6300}b", f"text/csv{' ' * 6300}x", f"text/{' ' * 6300}csv", f"a{chr(9) * 6300}/b"]
)
def test_only_media_ranges_are_compared(
    pod: FlaskClient, user: Headers, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    compare = MIMEAccept._value_matches

    def record(accepted: MIMEAccept, value: str, item: str) -> bool:
        compared.append(item)
        return compare(accepted, value, item)

    monkeypatch.setattr(MIMEAccept, "_value_matches", record)
    answer = pod.get(PATH, headers=user | {"Accept": f"{accept}, image/png"})
    assert answer.status_code == 406
    assert set(compared) == {"image/png"}, "the time to compare grows with the square of the white space"


def test_a_query_is_answered_from_the_cache_the_second_time(pod: FlaskClient, user: Headers) -> None:
    def misses() -> float:
        return REGISTRY.get_sample_value("fetch_cache_lookups_total", {"result": "miss"}) or 0

    before = misses()
    first = pod.get(f"{PATH}?province=bali&sort=price", headers=user)
    second = pod.get(f"{PATH}?sort=price&province=BALI", headers=user | {"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, misses()) == (304, before + 1)
