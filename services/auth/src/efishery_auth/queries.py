"""The query parameters of auth's lists, and the answers to invalid ones. openapi.yaml documents the same rules."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from flask import request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from efishery_auth.audit import Action
from efishery_auth.forms import MAX_NAME_CHARACTERS, field_error, visible_text
from efishery_auth.models import Role
from efishery_auth.paging import DEFAULT_LIMIT, MAX_LIMIT, cursor_of, parse_id
from servicekit.envelope import FieldError
from servicekit.errors import Invalid

USERS, AUDIT = "users", "audit"  # the lists, as their cursors name them
MAX_PARAMETERS = 20  # the answer to an invalid query has an entry for each
# ASCII digits only: int() also accepts those of other scripts, signs and underscores.
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _limit(value: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(value) or not 1 <= int(value) <= MAX_LIMIT:
        raise ValueError(f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(value)


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _moment(value: str) -> datetime:
    with suppress(ValueError, OverflowError):  # such as 30 February, or before the year 1 once the offset is applied
        if _DATE_TIME.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    # In a query string "+" is a space.
    hint = "; write the + of an offset as %2B" if " " in value[len("2022-01-31T") :] else ""
    raise ValueError(f"must be a date-time of RFC 3339, such as 2022-01-31T08:00:00Z{hint}")


def _not_before_since(until: datetime, info: ValidationInfo) -> datetime:
    since = info.data.get("since")  # not there if it is invalid itself
    if since is not None and until < since:
        raise ValueError("must not be before since")
    return until


Id = Annotated[int, PlainValidator(parse_id)]
Moment = Annotated[datetime, PlainValidator(_moment)]
Text = Annotated[str, Field(max_length=MAX_NAME_CHARACTERS), AfterValidator(visible_text)]


class Query(BaseModel):
    """Base of all queries. An unknown parameter is an error: ignored, it would return more than was asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, PlainValidator(_limit)] = DEFAULT_LIMIT


class UsersQuery(Query):
    """The query of GET /auth/users."""

    cursor: Annotated[int | None, PlainValidator(cursor_of(USERS))] = None
    search: Text | None = None
    role: Role | None = None
    disabled: Annotated[bool | None, PlainValidator(_boolean)] = None


class AuditQuery(Query):
    """The query of GET /auth/audit; both limits of time are included."""

    cursor: Annotated[int | None, PlainValidator(cursor_of(AUDIT))] = None
    user_id: Id | None = None
    actor_id: Id | None = None
    action: Action | None = None
    since: Moment | None = None
    until: Annotated[Moment, AfterValidator(_not_before_since)] | None = None


AnyQuery = TypeVar("AnyQuery", bound=Query)


def read(query_class: type[AnyQuery]) -> AnyQuery:
    """Read the request's query. Raises Invalid, which names each wrong parameter."""
    arguments = request.args
    if len(arguments) > MAX_PARAMETERS:
        raise _invalid([{"field": "query string", "msg": f"send at most {MAX_PARAMETERS} parameters"}])
    repeated = [name for name, values in arguments.lists() if len(values) > 1]
    if repeated:
        raise _invalid([{"field": name, "msg": "is given more than once; give it once"} for name in repeated])
    try:
        return query_class.model_validate(arguments.to_dict())
    except ValidationError as error:
        known = ", ".join(query_class.model_fields)
        raise _invalid([_parameter_error(problem, known) for problem in error.errors(include_url=False)]) from None


def _parameter_error(problem: ErrorDetails, known: str) -> FieldError:
    error = field_error(problem)
    if problem["type"] == "extra_forbidden":
        error["msg"] = f"is not a parameter of this path; known are {known}"
    return error


def _invalid(errors: list[FieldError]) -> Invalid:
    return Invalid(errors, "some parameters are not valid")
