"""The queries of the list and of the aggregate, and how they are parsed (ADR 24). openapi.yaml has the same rules."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlencode

from pydantic import AfterValidator, ConfigDict, PlainValidator, TypeAdapter, ValidationError, ValidationInfo
from pydantic import with_config as pydantic_config
from pydantic_core import ErrorDetails

from efishery_fetch import query_values as values
from efishery_fetch.negotiation import Format, negotiate
from efishery_fetch.query_values import ROW_FIELDS, SortKey, Week
from servicekit.envelope import FieldError
from servicekit.query_values import whole_number

MAX_QUERY_CHARACTERS = 2_000  # of the query string, which the header Link repeats four times
MAX_PARAMETERS = 100  # the answer to an invalid query has an entry for each
MAX_LIMIT = 1_000
MAX_OFFSET = 999_999_999


class InvalidQueryError(ValueError):
    """The query is invalid; `errors` has an entry for each wrong parameter."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{error['field']} {error['msg']}" for error in errors))
        self.errors = errors


def _one(parse: Callable[[str], object]) -> PlainValidator:
    return PlainValidator(values.single(parse))


def _not_below(lower: str) -> AfterValidator:
    """Return a check of an upper limit. A lower limit that is invalid itself is not in `info.data`."""

    def check(upper: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 -- prices, moments or weeks
        limit = info.data.get(lower)
        if limit is not None and upper < limit:
            raise ValueError(f"must not be less than {lower}")
        return upper

    return AfterValidator(check)


def _needs_limit(offset: int, info: ValidationInfo) -> int:
    if "limit" in info.data and info.data["limit"] is None:  # an invalid limit is not in `info.data`
        raise ValueError(f"needs limit; add limit with a number from 1 to {MAX_LIMIT}")
    return offset


def _rejected_only_as_json(chosen: Format, info: ValidationInfo) -> Format:
    if chosen is not Format.JSON and info.data.get("include"):
        raise ValueError("must be json with include=rejected")
    return chosen


Names = Annotated[frozenset[str], PlainValidator(values.any_of(values.name))]
OneFormat = Annotated[Format, _one(values.choice({each.value: each for each in Format}))]
Included = Annotated[Literal["rejected"] | None, _one(values.choice({"rejected": "rejected"}))]


@pydantic_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class ListQuery:
    """What of the list is answered; the default is all of it. Each field has the name of its parameter.

    Queries that differ only in order or spelling are equal. An empty set of names does not filter. `price_min` and
    `price_max` are rupiah, `date_from` and `date_to` UTC; both limits are included. Without `limit` there are no pages.
    """

    province: Names = frozenset()
    city: Names = frozenset()
    commodity: Names = frozenset()
    price_min: Annotated[Decimal | None, _one(values.price)] = None
    price_max: Annotated[Decimal | None, _one(values.price), _not_below("price_min")] = None
    date_from: Annotated[datetime | None, _one(values.earliest)] = None
    date_to: Annotated[datetime | None, _one(values.latest), _not_below("date_from")] = None
    sort: Annotated[tuple[SortKey, ...], PlainValidator(values.sort_keys)] = ()
    limit: Annotated[int | None, _one(whole_number(1, MAX_LIMIT))] = None
    offset: Annotated[int, _one(whole_number(0, MAX_OFFSET)), AfterValidator(_needs_limit)] = 0
    fields: Annotated[tuple[str, ...], PlainValidator(values.fields)] = ROW_FIELDS
    include: Included = None
    format: Annotated[OneFormat, AfterValidator(_rejected_only_as_json)] = Format.JSON


@pydantic_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class AggregateQuery:
    """Which rows are aggregated; the default is all of them. As `ListQuery`: both weeks are included."""

    province: Names = frozenset()
    commodity: Names = frozenset()
    week_from: Annotated[Week | None, _one(values.week)] = None
    week_to: Annotated[Week | None, _one(values.week), _not_below("week_from")] = None
    format: OneFormat = Format.JSON


Query = TypeVar("Query", ListQuery, AggregateQuery)
_LIST_QUERY = TypeAdapter(ListQuery)
_AGGREGATE_QUERY = TypeAdapter(AggregateQuery)


def parse_list_query(arguments: Sequence[tuple[str, str]], accept: str) -> ListQuery:
    """Parse the decoded query parameters of GET /fetch/resource and the header `Accept`; `format` takes precedence.

    Raises:
        InvalidQueryError: with an error for each wrong parameter.
        NotAcceptableError: there is no `format`, and `Accept` excludes every format.
    """
    return _parse(_LIST_QUERY, ListQuery, arguments, accept)


def parse_aggregate_query(arguments: Sequence[tuple[str, str]], accept: str) -> AggregateQuery:
    """Parse the query of GET /fetch/resource/aggregate; as `parse_list_query`."""
    return _parse(_AGGREGATE_QUERY, AggregateQuery, arguments, accept)


def _parse(adapter: TypeAdapter[Query], query: type[Query], arguments: Sequence[tuple[str, str]], accept: str) -> Query:
    given = _group(arguments)
    if "format" not in given:
        given["format"] = [negotiate(accept).value]
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        known = ", ".join(field.name for field in dataclasses.fields(query))
        problems = error.errors(include_url=False, include_input=False)
        raise InvalidQueryError([_field_error(problem, known) for problem in problems]) from None


def _group(arguments: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the values of each parameter. Lone surrogates, which UTF-8 cannot encode, become question marks."""
    if len(arguments) > MAX_PARAMETERS:
        raise _too_long(f"has {len(arguments)} parameters; send at most {MAX_PARAMETERS}")
    characters = len(urlencode(arguments, errors="replace"))
    if characters > MAX_QUERY_CHARACTERS:
        raise _too_long(f"has {characters} characters; send at most {MAX_QUERY_CHARACTERS}")
    given: dict[str, list[str]] = {}
    for name, value in arguments:
        given.setdefault(_encodable(name), []).append(_encodable(value))
    return given


def _too_long(msg: str) -> InvalidQueryError:
    return InvalidQueryError([{"field": "query string", "msg": msg}])


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _field_error(problem: ErrorDetails, known: str) -> FieldError:
    is_unknown = problem["type"] == "unexpected_keyword_argument"
    msg = f"is not a parameter of this path; known are {known}" if is_unknown else str(problem["ctx"]["error"])
    return {"field": str(problem["loc"][0]), "msg": msg}
