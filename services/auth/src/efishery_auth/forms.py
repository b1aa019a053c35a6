"""The request bodies that auth accepts, and the answers to invalid ones. openapi.yaml documents the same rules."""

import re
import unicodedata
from typing import Annotated, TypeVar

from flask import request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from werkzeug.exceptions import UnsupportedMediaType

from efishery_auth import password_policy, passwords, phones
from efishery_auth.models import Role
from efishery_auth.refresh_tokens import TOKEN_LENGTH, InvalidRefreshToken, RefreshToken
from servicekit.envelope import FieldError
from servicekit.errors import BadRequest, Invalid, ServiceError

# Control, zero-width and bidirectional formatting characters: they hide, or reverse the direction of, a name's text.
INVISIBLE = re.compile(r"[\x00-\x1F\x7F-\x9F\xAD\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]")
MAX_NAME_CHARACTERS = 100


def visible_text(text: str) -> str:
    """Compose letters and accents (NFC, Unicode Standard Annex 15) and strip the spaces around a text.

    Raises ValueError when nothing is left, for an invisible character, and when it has become too long: in NFC, a few
    characters become two or three.
    """
    if INVISIBLE.search(text):
        raise ValueError("must not contain control or invisible characters")
    text = unicodedata.normalize("NFC", text.strip())
    if not text:
        raise ValueError("must contain a character other than a space")
    if len(text) > MAX_NAME_CHARACTERS:
        raise ValueError(f"must have at most {MAX_NAME_CHARACTERS} characters, also in the normalization form C")
    return text


def _composed(value: object) -> object:
    return passwords.nfc(value) if isinstance(value, str) else value


Name = Annotated[str, Field(max_length=MAX_NAME_CHARACTERS), AfterValidator(visible_text)]
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


def _refresh_token(text: str) -> str:
    try:
        RefreshToken.parse(text)
    except InvalidRefreshToken:
        raise ValueError("must be a refresh_token as POST /auth/login answers it, of 66 characters") from None
    return text


class Refresh(Form):
    """The body of POST /auth/refresh."""

    refresh_token: Annotated[
        str, Field(min_length=TOKEN_LENGTH, max_length=TOKEN_LENGTH), AfterValidator(_refresh_token)
    ]


class NameChange(Form):
    """The body of PUT /auth/name."""

    name: Name


class UserChange(Form):
    """The body of PATCH /auth/users/{user_id}: what is left out stays as it is."""

    name: Name | None = None
    role: Role | None = None
    disabled: StrictBool | None = None

    @field_validator("name", "role", "disabled", mode="before")
    @classmethod
    def _is_not_null(cls, value: object) -> object:
        if value is None:
            raise ValueError("must not be null; leave the field out to keep what it is")
        return value

    @model_validator(mode="after")
    def _has_a_field(self) -> "UserChange":
        if not self.model_fields_set:
            raise ValueError("must have one field or more of name, role and disabled")
        return self


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
    "bool_type": "must be true or false",
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
    return Invalid([field_error(problem) for problem in problems])


def field_error(problem: ErrorDetails) -> FieldError:
    """Return pydantic's error as the envelope has it; one about the body as a whole names the field `body`."""
    message = _MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return {"field": ".".join(str(part) for part in problem["loc"]) or "body", "msg": message}
