"""Query parameters and the header Accept become a query, or errors that name each wrong parameter."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from efishery_fetch.app import OPENAPI_DOCUMENT
from efishery_fetch.negotiation import Format, NotAcceptableError, negotiate
from efishery_fetch.queries import (
    MAX_LIMIT,
    MAX_OFFSET,
    MAX_QUERY_CHARACTERS,
    AggregateQuery,
    InvalidQueryError,
    ListQuery,
    parse_aggregate_query,
    parse_list_query,
)
from efishery_fetch.query_values import MAX_CHARACTERS, MAX_VALUES, PRICE, ROW_FIELDS, SortKey, Week
from servicekit.envelope import FieldError

DOCUMENT = yaml.safe_load(OPENAPI_DOCUMENT.read_text())

Arguments = list[tuple[str, str]]


def parse(*arguments: tuple[str, str]) -> ListQuery:
    return parse_list_query(arguments, "")


def errors(*arguments: tuple[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidQueryError) as invalid:
        parse(*arguments)
    return {error["field"]: error["msg"] for error in invalid.value.errors}


def weeks_errors(*arguments: tuple[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidQueryError) as invalid:
        parse_aggregate_query(arguments, "")
    return {error["field"]: error["msg"] for error in invalid.value.errors}


def test_no_parameter_is_the_full_list() -> None:
    assert parse() == ListQuery()
    assert ListQuery().fields == (
        "uuid",
        "komoditas",
        "area_provinsi",
        "area_kota",
        "size",
        "price",
        "tgl_parsed",
        "timestamp",
        "price_usd",
    )
    assert parse_aggregate_query([], "") == AggregateQuery()


def test_parses_every_parameter() -> None:
    query = parse(
        ("province", "Jawa Timur"),
        ("province", "BALI"),
        ("city", "Kediri"),
        ("commodity", "lele"),
        ("price_min", "0.50"),
        ("price_max", "20000"),
        ("date_from", "2022-01-01"),
        ("date_to", "2022-01-31T12:00:00.5Z"),
        ("sort", "-price,uuid"),
        ("limit", "10"),
        ("offset", "20"),
        ("fields", "price,uuid"),
        ("format", "csv"),
    )
    assert query == ListQuery(
        province=frozenset({"JAWA TIMUR", "BALI"}),
        city=frozenset({"KEDIRI"}),
        commodity=frozenset({"LELE"}),
        price_min=Decimal("0.5"),
        price_max=Decimal(20000),
        date_from=datetime(2021, 12, 31, 17, tzinfo=UTC),
        date_to=datetime(2022, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC),
        sort=(SortKey("price", descending=True), SortKey("uuid")),
        limit=10,
        offset=20,
        fields=("price", "uuid"),
        format=Format.CSV,
    )
    assert parse(("include", "rejected")) == ListQuery(include="rejected")


def test_rejected_rows_are_answered_as_json_only() -> None:
    arguments = [("include", "rejected"), ("format", "csv")]
    assert errors(*arguments) == {"format": "must be json with include=rejected"}


def test_parses_every_parameter_of_the_aggregate() -> None:
    arguments = [
        ("province", "bali"),
        ("commodity", "Lele"),
        ("week_from", "2020-W53"),
        ("week_to", "2021-W01"),
        ("format", "json"),
    ]
    query = parse_aggregate_query(arguments, "text/csv")
    assert query == AggregateQuery(frozenset({"BALI"}), frozenset({"LELE"}), Week(2020, 53), Week(2021, 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("province", "BALI"), ("province", "ACEH")], [("province", "aceh"), ("province", " Bali ")]),
        ([("province", "BALI")], [("province", "BALI"), ("province", "bali")]),
        ([("city", "Kota  Baru")], [("city", "KOTA\tBARU")]),
        ([("price_min", "1")], [("price_min", "001.00")]),
        ([("date_from", "2022-01-02")], [("date_from", "2022-01-01T17:00:00Z")]),
        ([("date_to", "2022-01-02")], [("date_to", "2022-01-02T23:59:59.999999+07:00")]),
        ([("date_to", "2022-01-02T00:00:00z")], [("date_to", "2022-01-02 07:00:00+07:00")]),
        ([("sort", "price_usd")], [("sort", "price,-price")]),
        ([("sort", "-tgl_parsed")], [("sort", "-timestamp")]),
        ([("fields", "price,uuid,price")], [("fields", "price,uuid")]),
        ([("fields", ",".join(ROW_FIELDS))], []),
        ([("limit", "5"), ("city", "X")], [("city", "x"), ("limit", "0005"), ("offset", "0")]),
    ],
)
def test_order_and_spelling_do_not_matter(one: Arguments, other: Arguments) -> None:
    assert parse(*one) == parse(*other)
    assert hash(parse(*one)) == hash(parse(*other))


def test_the_order_of_fields_matters() -> None:
    assert parse(("fields", "price,uuid")) != parse(("fields", "uuid,price"))


@pytest.mark.parametrize("name", ["price_min", "price_max"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "-1",
        "+1",
        " 1",
        "1e3",
        "NaN",
        "Infinity",
        "1_000",
        "20.000",
        "1,5",
        ".5",
        "5.",
        "५",
        "1\n",
        "$5",
        "9" * 16,
        "9" * 101,
    ],
)
def test_refuses_a_price_that_is_no_plain_number(name: str, value: str) -> None:
    assert errors((name, value)).keys() == {name}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2022",
        "20220101",
        "2022-W01",
        "2022-1-1",
        "2022-02-30",
        "0000-01-01",
        "0001-01-01T00:00:00+07:00",
        "99999-01-01",
        "+2022-01-01",
        "1641130822111",
        "2022-01-01T00:00:00",
        "2022-01-01T00:00Z",
        "2022-01-01T25:00:00Z",
        "2022-01-01T00:00:60Z",
        "2022-01-01T00:00:00+25:00",
        "9999-12-31T23:59:59-07:00",
        "2022-01-01T00:00:00." + "0" * 10 + "Z",
        "२०२२-०१-०१",
        "today",
    ],
)
@pytest.mark.parametrize("name", ["date_from", "date_to"])
def test_refuses_what_is_no_date_of_rfc_3339(name: str, value: str) -> None:
    assert "such as 2022-01-31" in errors((name, value))[name]


def test_a_space_for_the_plus_of_an_offset_is_explained() -> None:
    assert "%2B" in errors(("date_from", "2022-01-01T00:00:00 07:00"))["date_from"]


@pytest.mark.parametrize(
    "value", ["", "2022-07", "2022-W7", "2022W07", "2022-W00", "2021-W53", "0000-W01", "99999-W01"]
)
def test_refuses_a_week_that_its_year_does_not_have(value: str) -> None:
    assert "such as 2022-W07" in weeks_errors(("week_from", value))["week_from"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("limit", "0", "must be a whole number from 1 to 1000"),
        ("limit", "1001", "must be a whole number from 1 to 1000"),
        ("limit", "1.0", "must be a whole number from 1 to 1000"),
        ("limit", "9" * 100, "must be a whole number from 1 to 1000"),
        ("limit", "１", "must be a whole number from 1 to 1000"),
        ("offset", "-1", "must be a whole number from 0 to 999999999"),
        ("offset", "1000000000", "must be a whole number from 0 to 999999999"),
        ("offset", "0", "needs limit; add limit with a number from 1 to 1000"),
        ("province", " ", "must not be empty; leave the parameter out to get all"),
        ("province", "A" * 101, "has 101 characters; give at most 100"),
        ("format", "xml", "has the unknown value 'xml'; allowed: json, csv"),
        ("format", "CSV", "has the unknown value 'CSV'; allowed: json, csv"),
        ("include", "", "has the unknown value ''; allowed: rejected"),
        ("sort", "price,,uuid", f"has the unknown value ''; allowed: {', '.join(ROW_FIELDS)}"),
        ("sort", "--price", f"has the unknown value '-price'; allowed: {', '.join(ROW_FIELDS)}"),
        ("fields", "-price", f"has the unknown value '-price'; allowed: {', '.join(ROW_FIELDS)}"),
        ("fields", "moment", f"has the unknown value 'moment'; allowed: {', '.join(ROW_FIELDS)}"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: str, message: str) -> None:
    assert errors((name, value))[name] == message


def test_an_unknown_parameter_is_named_with_the_known_ones() -> None:
    assert errors(("provinces", "BALI")) == {
        "provinces": "is not a parameter of this path; known are province, city, commodity, price_min, price_max, "
        "date_from, date_to, sort, limit, offset, fields, include, format"
    }
    assert weeks_errors(("city", "X")) == {
        "city": "is not a parameter of this path; known are province, commodity, week_from, week_to, format"
    }


@pytest.mark.parametrize("name", ["price_min", "date_to", "sort", "limit", "fields", "include", "format"])
def test_a_parameter_of_one_value_is_given_once(name: str) -> None:
    assert errors((name, "1"), (name, "1"))[name] == "has 2 values; give it once"


def test_a_lower_limit_above_the_upper_one_names_both() -> None:
    prices = errors(("price_max", "1"), ("price_min", "1.01"))
    dates = errors(("date_from", "2022-01-02"), ("date_to", "2022-01-01"))
    weeks = weeks_errors(("week_from", "2022-W02"), ("week_to", "2022-W01"))
    assert prices == {"price_max": "must not be less than price_min"}
    assert dates == {"date_to": "must not be less than date_from"}
    assert weeks == {"week_to": "must not be less than week_from"}


def test_equal_limits_are_a_range_of_one() -> None:
    query = parse(("price_min", "5"), ("price_max", "5"), ("date_from", "2022-01-01"), ("date_to", "2022-01-01"))
    assert query.price_min == query.price_max == Decimal(5)
    assert query.date_from is not None
    assert query.date_to == query.date_from + timedelta(days=1, microseconds=-1)
    assert parse_aggregate_query([("week_from", "2022-W01"), ("week_to", "2022-W01")], "").week_to == Week(2022, 1)


def test_all_errors_are_reported_at_once() -> None:
    wrong = errors(
        ("x", "1"),
        ("y", "1"),
        ("price_min", "2"),
        ("price_max", "1"),
        ("date_from", "yesterday"),
        ("date_to", "2022-01-01"),
        ("limit", "many"),
        ("offset", "1"),
        ("format", "xml"),
    )
    assert wrong.keys() == {"x", "y", "price_max", "date_from", "limit", "format"}


def test_the_error_itself_names_the_parameters() -> None:
    with pytest.raises(InvalidQueryError, match=r"^limit must be .*; format has the unknown value"):
        parse(("format", "xml"), ("limit", "0"))


def test_the_size_of_a_query_is_limited() -> None:
    assert len(parse(*[("city", str(number)) for number in range(20)]).city) == 20
    assert errors(*[("city", "X")] * 21) == {"city": "has 21 values; give at most 20"}
    assert len(parse(("fields", ",".join(["price"] * 20))).fields) == 1
    assert errors(("sort", ",".join(["price"] * 21))) == {"sort": "has 21 values; give at most 20"}
    assert errors(("fields", "a" * 101)) == {"fields": "has 101 characters; give at most 100"}
    assert errors(*[("a", "")] * 101) == {"query string": "has 101 parameters; send at most 100"}
    longest = [(name, "A" * 100) for name in ("province", "city", "commodity") for _ in range(6)]
    assert len(parse(*longest).city) == 1
    assert errors(*longest, ("city", "A" * 100)) == {"query string": "has 2067 characters; send at most 2000"}
    assert errors(("city", "é" * 400)) == {"query string": "has 2405 characters; send at most 2000"}
    assert errors(("n" * 10**6, "")) == {"query string": "has 1000001 characters; send at most 2000"}


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert parse(("city", "\ud800")).city == {"?"}
    assert errors(("\ud800", "")).keys() == {"?"}


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", Format.JSON),
        (" ", Format.JSON),
        ("*/*", Format.JSON),
        ("application/*", Format.JSON),
        ("text/csv, application/json", Format.JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format.JSON),
        ("text/csv;q=0, */*", Format.JSON),
        ("text/csv;q=0.5, application/json;q=0.6", Format.JSON),
        ("text/csv;q=2, application/json", Format.JSON),
        ("application/json; charset=utf-8", Format.JSON),
        ("text/csv", Format.CSV),
        ("TEXT/CSV", Format.CSV),
        ("text/*", Format.CSV),
        ("text/csv; charset=utf-8; header=present", Format.CSV),
        ("text/csv;charset=utf-8;q=0.6, application/json;q=0.5", Format.CSV),
        ("text/csv, */*", Format.CSV),
        ("application/json;q=0, */*", Format.CSV),
        ("application/json;q=0.1, text/*;q=0.2", Format.CSV),
    ],
)
def test_the_format_with_the_highest_quality_is_chosen(accept: str, chosen: Format) -> None:
    assert parse_list_query([], accept).format is chosen
    assert parse_aggregate_query([], accept).format is chosen


@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "csv", "*", "text/csv;q=0", "application/json;q=2", ","])
def test_nothing_acceptable_is_an_error_that_names_the_media_types(accept: str) -> None:
    with pytest.raises(NotAcceptableError, match="application/json or text/csv"):
        parse_list_query([], accept)


def test_format_takes_precedence_over_accept() -> None:
    assert parse_list_query([("format", "csv")], "application/json").format is Format.CSV
    assert parse_list_query([("format", "json")], "image/png").format is Format.JSON


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference within the OpenAPI document."""
    found: Any = DOCUMENT
    for part in node.get("$ref", "").split("/")[1:]:
        found = found[part]
    return found if "$ref" in node else node


def documented(path: str) -> dict[str, dict[str, Any]]:
    """Return the schema of each documented parameter."""
    parameters = map(resolved, DOCUMENT["paths"][path]["get"]["parameters"])
    return {each["name"]: resolved(each["schema"]) for each in parameters if each["in"] == "query"}


def test_the_documented_parameters_are_those_that_are_parsed() -> None:
    assert list(documented("/fetch/resource")) == list(ListQuery.__dataclass_fields__)
    assert list(documented("/fetch/resource/aggregate")) == list(AggregateQuery.__dataclass_fields__)


def test_the_documented_limits_are_those_that_are_enforced() -> None:
    schemas = documented("/fetch/resource")
    names, fields = schemas["province"], schemas["fields"]
    assert (names["maxItems"], names["items"]["maxLength"]) == (MAX_VALUES, MAX_CHARACTERS)
    assert fields["maxItems"] == schemas["sort"]["maxItems"] == MAX_VALUES
    assert (schemas["limit"]["maximum"], schemas["offset"]["maximum"]) == (MAX_LIMIT, MAX_OFFSET)
    assert schemas["price_min"]["pattern"] == f"^{PRICE.pattern}$"
    assert fields["items"]["enum"] == list(ROW_FIELDS)
    assert schemas["sort"]["items"]["pattern"] == f"^-?({'|'.join(ROW_FIELDS)})$"
    assert schemas["format"]["enum"] == list(Format)
    assert f"at most {MAX_QUERY_CHARACTERS} characters" in DOCUMENT["paths"]["/fetch/resource"]["get"]["description"]


NAMES = st.sampled_from([*ListQuery.__dataclass_fields__, *AggregateQuery.__dataclass_fields__, "x"])
NEARLY_DATES = (
    r"[0-9]{4}-[0-1][0-9]-[0-3][0-9]"
    r"([Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]+)?([Zz]|[+-][0-2][0-9]:[0-6][0-9]))?"
)
NEARLY_VALID = (
    st.from_regex(r"[+-]?[0-9]{0,20}(\.[0-9]{0,3})?(e[0-9]+)?")
    | st.from_regex(NEARLY_DATES)
    | st.from_regex(r"[0-9]{4}-W[0-6][0-9]")
    | st.lists(st.sampled_from([*ROW_FIELDS, *(f"-{field}" for field in ROW_FIELDS), ""])).map(",".join)
    | st.sampled_from(["json", "csv", "rejected"])
)
ARGUMENTS = st.lists(st.tuples(NAMES | st.text(), NEARLY_VALID | st.text(st.characters(codec=None))), max_size=8)
ACCEPT = st.text() | st.lists(
    st.tuples(
        st.sampled_from(["*/*", "text/*", "text/csv", "application/json", "*", "/", '"', ";", "q=*", "a/b;c*=x''%FF"]),
        st.sampled_from(["", ";q=0", ";q=1", ";q=0.001", ";q=1e9", ";q", ";charset=utf-8", ';a="', ";=", "\\"]),
    ).map("".join)
).map(",".join)


def outcome(
    parser: Callable[[Arguments, str], ListQuery | AggregateQuery], arguments: Arguments, accept: str
) -> ListQuery | AggregateQuery | list[FieldError] | None:
    """Return the query, the errors, or None when no format is acceptable."""
    try:
        return parser(arguments, accept)
    except InvalidQueryError as invalid:
        return invalid.errors
    except NotAcceptableError:
        return None


@pytest.mark.parametrize("parser", [parse_list_query, parse_aggregate_query])
@given(ARGUMENTS, ACCEPT)
def test_any_text_is_a_query_or_one_of_two_errors(
    parser: Callable[[Arguments, str], ListQuery | AggregateQuery], arguments: Arguments, accept: str
) -> None:
    result = outcome(parser, arguments, accept)
    if result is None:
        assert "format" not in dict(arguments)
    elif isinstance(result, list):
        assert json.dumps(result, ensure_ascii=False).encode()
        assert [error for error in result if not error["msg"]] == []
        assert result
    else:
        assert hash(result) == hash(parser(arguments[::-1], accept))


@given(ACCEPT)
def test_any_accept_header_is_a_format_or_an_error(accept: str) -> None:
    try:
        assert negotiate(accept) in Format
    except NotAcceptableError:
        assert accept.strip()


def test_a_name_is_compared_without_its_invisible_characters() -> None:
    assert parse(("province", "jawa\u200b timur\x00")).province == {"JAWA TIMUR"}
