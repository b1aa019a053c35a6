"""The query parameters of auth's lists, and the answers to invalid ones. openapi.yaml documents the same rules."""

from datetime import datetime
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
from servicekit.query_values import date_time, plus_hint, whole_number

USERS, AUDIT = "users", "audit"  # the lists, as their cursors name them
MAX_PARAMETERS = 20  # the answer to an invalid query has an entry for each


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _moment(value: str) -> datetime:
    found = date_time(value)
    if found is not None:
        return found
    raise ValueError(f"must be a date-time of RFC 3339, such as 2022-01-31T08:00:00Z{plus_hint(value)}")


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

    limit: Annotated[int, PlainValidator(whole_number(1, MAX_LIMIT))] = DEFAULT_LIMIT


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
