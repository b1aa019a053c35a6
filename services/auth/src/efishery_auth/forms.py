"""The request bodies that auth accepts, and the answers to invalid ones. openapi.yaml documents the same rules."""

import re
from typing import Annotated, TypeVar

from flask import request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import UnsupportedMediaType

from efishery_auth import password_policy, passwords, phones
from efishery_auth.models import Role
from servicekit.envelope import FieldError
from servicekit.errors import BadRequest, Invalid, ServiceError

# Control, zero-width and bidirectional formatting characters: they hide, or reverse the direction of, a name's text.
INVISIBLE = re.compile(r"[\x00-\x1F\x7F-\x9F\xAD\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]")


def _visible_name(name: str) -> str:
    """Strip the spaces around a name. Raises ValueError when nothing is left, or for an invisible character."""
    if INVISIBLE.search(name):
        raise ValueError("must not contain control or invisible characters")
    name = name.strip()
    if not name:
        raise ValueError("must contain a character other than a space")
    return name


def _composed(value: object) -> object:
    return passwords.nfc(value) if isinstance(value, str) else value


Name = Annotated[str, Field(max_length=100), AfterValidator(_visible_name)]
# Composed first: what has at most 128 characters so may be sent in a form that has more.
Password = Annotated[str, BeforeValidator(_composed), Field(min_length=1, max_length=passwords.MAX_LENGTH)]
Phone = Annotated[str, Field(max_length=phones.LONGEST), AfterValidator(phones.normalise)]


class Form(BaseModel):
    """Base of all bodies. An unknown field is an error, because it is most likely a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Registration(Form):
    """The body of POST /auth/register."""

    name: Name
    phone: Phone
    role: Role = Role.USER


class Login(Form):
    """The body of POST /auth/login."""

    phone: Phone
    password: Password


class PasswordChange(Form):
    """The body of PUT /auth/password."""

    current_password: Password
    new_password: Annotated[Password, Field(min_length=password_policy.MIN_LENGTH)]


AnyForm = TypeVar("AnyForm", bound=Form)

# Shorter than pydantic's own messages.
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request; see /docs/",
    "string_type": "must be a string",
}


def read(form_class: type[AnyForm]) -> AnyForm:
    """Read the request's JSON body. Raises UnsupportedMediaType, BadRequest, or Invalid, which names each field."""
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        return form_class.model_validate_json(request.get_data())
    except ValidationError as error:
        raise _refusal(error.errors(include_input=False, include_url=False)) from None


def _refusal(problems: list[ErrorDetails]) -> ServiceError:
    first = problems[0]
    if first["type"] == "json_invalid":
        return BadRequest(f"send the body as one JSON object in UTF-8 (RFC 8259): {first['ctx']['error']}")
    if first["type"] == "model_type":
        return BadRequest("the body must be a JSON object")
    return Invalid([_field_error(problem) for problem in problems])


def _field_error(problem: ErrorDetails) -> FieldError:
    message = _MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return {"field": ".".join(str(part) for part in problem["loc"]), "msg": message}
